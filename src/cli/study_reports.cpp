#include "cli/study_reports.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "haywatt/base/error.hpp"
#include "haywatt/base/file.hpp"
#include "haywatt/base/log.hpp"
#include "haywatt/metrics/summary.hpp"
#include "haywatt/report/report.hpp"

namespace haywatt::cli {
namespace {

constexpr std::size_t most_attachments = 8;
constexpr std::uint64_t most_attachment_B = std::uint64_t{64} << 20;

struct ReportFile {
  const char* name;
  const char* format;
};
constexpr ReportFile report_files[] = {{"metrics.json", "json"}, {"report.md", "md"}, {"report.html", "html"}};

/// Three significant digits, no exponent where a person would write none.
std::string three_digits(const metrics::Metric& m, double scale) {
  if (!m.value) return "?";
  const double v = m.value->value * scale;
  if (v >= 99.95 || v == 0.0) return fmt::format("{:.0f}", v);
  return fmt::format("{:.{}f}", v, v >= 9.995 ? 1 : v >= 0.9995 ? 2 : 3);
}

/// Files NAME*.json of a folder, by name.
std::vector<std::string> records_named(const std::string& folder, const std::string& name) {
  std::vector<std::string> paths;
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator(folder, failed)) {
    const std::string file = entry.path().filename().string();
    if (file.starts_with(name) && file.ends_with(".json") && entry.is_regular_file(failed))
      paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  if (paths.size() > most_attachments) {
    log::warning(fmt::format("{}: only the first {} of {} records {}*.json go into the report", folder,
                             most_attachments, paths.size(), name));
    paths.resize(most_attachments);
  }
  return paths;
}

template <class Record>
void attach(const std::string& path, std::vector<Record>& records) {
  try {
    records.push_back(nlohmann::json::parse(read_text_file(path, most_attachment_B)).get<Record>());
  } catch (const Error& e) {
    log::warning(path + " does not go into the report: " + e.what());
  } catch (const nlohmann::json::exception&) {
    log::warning(path + " does not go into the report: it is no JSON of a record");
  }
}

}  // namespace

std::string render_report(const StudyRecord& study, const std::string& format, const report::Attachments& attachments) {
  if (format == "html") return report::to_html(study, attachments);
  if (format == "md") return report::to_markdown(study);
  if (format == "json") return report::to_metrics(study).dump(2) + "\n";
  fail_usage("unknown format '" + format + "': write html, md or json");
}

report::Attachments find_attachments(const std::string& folder) {
  report::Attachments found;
  for (const std::string& path : records_named(folder, "profile-")) attach(path, found.profiles);
  for (const std::string& path : records_named(folder, "bottleneck-")) attach(path, found.bottlenecks);
  return found;
}

void write_reports(const std::string& folder, const StudyRecord& study) {
  const report::Attachments attachments = find_attachments(folder);
  for (const ReportFile& file : report_files)
    write_text_file(folder + "/" + file.name, render_report(study, file.format, attachments));
}

bool has_reports(const std::string& folder) {
  for (const ReportFile& file : report_files)
    if (::access((folder + "/" + file.name).c_str(), F_OK) != 0) return false;
  return true;
}

std::string result_table(const StudyRecord& study) {
  const metrics::Summary summary = metrics::summarise(study);
  std::size_t method_width = 6;
  std::size_t bound_width = 5;
  for (const metrics::SummaryRow& row : summary.rows) {
    method_width = std::max(method_width, row.method.size());
    bound_width = std::max(bound_width, row.bound.size());
  }
  std::string text = fmt::format("{:<{}}  {:<{}} {:>8} {:>7} {:>8} {:>8} {:>8}  runs\n", "method", method_width,
                                 "bound", bound_width, "B/row", "ratio", "MB/s in", "MB/s out", "J/GB");
  for (const metrics::SummaryRow& row : summary.rows) {
    text += fmt::format("{:<{}}  {:<{}} ", row.method, method_width, row.bound, bound_width);
    if (row.ok())
      text += fmt::format("{:>8} {:>7} {:>8} {:>8} {:>8}  {}\n", three_digits(row.bytes_per_row, 1.0),
                          three_digits(row.factor, 1.0), three_digits(row.in_speed, 1e-6),
                          three_digits(row.out_speed, 1e-6), three_digits(row.attributed, 1.0), row.ok_runs);
    else
      text += fmt::format("failed: {}\n", row.reason);
  }
  const metrics::EnergyBasis& basis = summary.basis;
  if (!basis.known)
    text += fmt::format("J/GB unknown: {}\n", basis.note);
  else
    text += fmt::format("J/GB: attributed, {}, boundary {}; intervals are in the report\n",
                        basis.estimated ? "estimated (tier " + basis.tier + ")" : "measured by " + basis.sensor,
                        basis.boundary);
  return text;
}

}  // namespace haywatt::cli
