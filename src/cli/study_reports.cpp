#include "cli/study_reports.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "haywatt/base/error.hpp"
#include "haywatt/base/file.hpp"
#include "haywatt/metrics/summary.hpp"
#include "haywatt/report/report.hpp"

namespace haywatt::cli {
namespace {

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

}  // namespace

std::string render_report(const StudyRecord& study, const std::string& format) {
  if (format == "html") return report::to_html(study);
  if (format == "md") return report::to_markdown(study);
  if (format == "json") return report::to_metrics(study).dump(2) + "\n";
  fail_usage("unknown format '" + format + "': write html, md or json");
}

void write_reports(const std::string& folder, const StudyRecord& study) {
  for (const ReportFile& file : report_files)
    write_text_file(folder + "/" + file.name, render_report(study, file.format));
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
