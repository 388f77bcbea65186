#include "report/chart_data.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "haywatt/base/text.hpp"
#include "haywatt/metrics/pareto.hpp"
#include "report/run_series.hpp"
#include "report/text.hpp"

namespace haywatt::report {
namespace {

using metrics::ParetoStatus;
using metrics::Summary;
using metrics::SummaryRow;
using nlohmann::json;

// A number takes about 6 bytes in the page.
constexpr std::size_t numbers_of_histograms = 180'000;
constexpr std::size_t numbers_of_series = 60'000;
constexpr std::size_t numbers_of_point = 3 + 2 * 3;
constexpr std::size_t power_series_at_most = 3;  // both rules, and the machine
constexpr std::size_t points_of_series_at_most = 2'000;
constexpr std::size_t fewest_bins = 24;

json triple(const std::optional<Figure>& f) {
  if (!f) return nullptr;
  return json::array({f->value, f->low, f->high});
}

json pareto_rows(const Summary& summary) {
  json rows = json::array();
  const auto status = metrics::pareto_by_bound(summary);
  for (std::size_t i = 0; i < summary.rows.size(); ++i) {
    const SummaryRow& row = summary.rows[i];
    if (!row.ok() || !row.bytes_per_row.value || !row.attributed.value) continue;
    const char* word = *status[i] == ParetoStatus::Front       ? "on the front"
                       : *status[i] == ParetoStatus::Dominated ? "dominated"
                                                               : "cannot tell";
    rows.push_back({{"method", row.method},
                    {"bound", row.bound},
                    {"size", row.bytes_per_row.value->value},
                    {"energy", triple(row.attributed.value)},
                    {"text", with_interval(*row.attributed.value)},
                    {"status", word}});
  }
  return rows;
}

/// The names of all phases of the study in the order work is done.
std::vector<std::string> phase_names(const Summary& summary) {
  std::vector<std::string> names = {"read", "prepare", "train", "encode", "write", "read-back", "decode", "verify"};
  std::vector<std::string> used;
  for (const SummaryRow& row : summary.rows)
    for (const RunRecord* run : row.runs)
      for (const PhaseRecord& p : run->phases) used.push_back(top_level(p.name));
  for (const std::string& name : used)
    if (name != "other" && std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  names.emplace_back("other");
  std::erase_if(names, [&](const std::string& n) { return std::find(used.begin(), used.end(), n) == used.end(); });
  return names;
}

json phase_rows(const Summary& summary, const std::vector<std::string>& names) {
  json rows = json::array();
  for (const SummaryRow& row : summary.rows) {
    if (!row.ok()) continue;
    std::vector<double> wall_s(names.size()), joules(names.size());
    bool energy_known = false;
    for (const PhaseRecord& p : row.typical->phases) {
      const auto k = static_cast<std::size_t>(std::find(names.begin(), names.end(), top_level(p.name)) - names.begin());
      wall_s[k] += p.wall_s;
      const auto e = metrics::phase_energy(p, summary.basis, "attributed");
      if (summary.basis.known && e) joules[k] += *e, energy_known = true;
    }
    for (double& v : wall_s) v = coarse(v);
    for (double& v : joules) v = coarse(v);
    rows.push_back({{"method", row.method},
                    {"bound", row.bound},
                    {"s", wall_s},
                    {"J", energy_known ? json(joules) : json(nullptr)}});
  }
  return rows;
}

json run_series(const SummaryRow& row, const std::vector<std::string>& names, std::size_t points) {
  const RunRecord& run = *row.typical;
  const SampleSeries series = sample_series(run.samples, points);
  json power = json::array();
  for (const PowerSeries& p : run.power)
    if (!p.watts.empty() && power.size() < power_series_at_most) power.push_back(power_series(p, points));
  return {{"method", row.method},       {"bound", row.bound}, {"repeat", run.repeat},
          {"wall", coarse(run.wall_s)}, {"t", series.t},      {"memory", series.memory},
          {"cores", series.cores},      {"power", power},     {"shade", phase_shades(run, names)}};
}

json runs(const Summary& summary, const std::vector<std::string>& names) {
  json all = json::array();
  const auto count = static_cast<std::size_t>(
      std::count_if(summary.rows.begin(), summary.rows.end(), [](const SummaryRow& r) { return r.ok(); }));
  if (count == 0) return all;
  const std::size_t points =
      std::clamp<std::size_t>(numbers_of_series / (numbers_of_point * count), 40, points_of_series_at_most);
  for (const SummaryRow& row : summary.rows)
    if (row.ok()) all.push_back(run_series(row, names, points));
  return all;
}

/// Counts in at most `bins` bins; every group of bins has the same width.
std::vector<double> rebinned(const Histogram& h, std::size_t bins) {
  const std::size_t group = std::max<std::size_t>(1, (h.counts.size() + bins - 1) / bins);
  std::vector<double> counts((h.counts.size() + group - 1) / group);
  for (std::size_t i = 0; i < h.counts.size(); ++i) counts[i / group] += h.counts[i];
  for (double& c : counts) c = coarse(c);
  return counts;
}

/// The far border after rebinning, which may lie beyond the histogram's.
double rebinned_high(const Histogram& h, std::size_t bins) {
  if (h.counts.empty()) return h.high;
  const std::size_t group = std::max<std::size_t>(1, (h.counts.size() + bins - 1) / bins);
  const std::size_t groups = (h.counts.size() + group - 1) / group;
  return h.low + (h.high - h.low) * static_cast<double>(groups * group) / static_cast<double>(h.counts.size());
}

json histogram(const Histogram& h, std::size_t bins) {
  return {{"low", h.low}, {"high", rebinned_high(h, bins)}, {"counts", rebinned(h, bins)}, {"outside", h.outside}};
}

const RunRecord* run_with_histograms(const SummaryRow& row) {
  for (const RunRecord* run : row.runs)
    for (const ColumnFidelity& c : run->fidelity)
      if (!c.original.counts.empty()) return run;
  return nullptr;
}

void add_distributions(json& data, const Summary& summary) {
  std::vector<const SummaryRow*> rows;
  std::size_t columns = 0;
  for (const SummaryRow& row : summary.rows) {
    if (!row.ok()) continue;
    const RunRecord* run = run_with_histograms(row);
    if (run == nullptr) continue;
    rows.push_back(&row);
    columns = std::max(columns, run->fidelity.size());
  }
  data["columns"] = json::array();
  data["fidelity"] = json::array();
  data["columnsLeftOut"] = 0;
  if (rows.empty()) return;
  const std::size_t per_bin = 2 * rows.size() + 1;
  const std::size_t drawn =
      std::min(columns, std::max<std::size_t>(1, numbers_of_histograms / (per_bin * fewest_bins)));
  const std::size_t bins = std::clamp<std::size_t>(numbers_of_histograms / (per_bin * drawn), fewest_bins, 200);
  data["columnsLeftOut"] = columns - drawn;

  std::map<std::string, std::pair<std::size_t, const Histogram*>> known;  // column name -> index, original
  for (const SummaryRow* row : rows) {
    json per_column = json::array();
    const auto& fidelity = run_with_histograms(*row)->fidelity;
    for (std::size_t i = 0; i < std::min(drawn, fidelity.size()); ++i) {
      const ColumnFidelity& c = fidelity[i];
      if (c.original.counts.empty()) continue;
      const auto [at, is_new] = known.try_emplace(c.name, known.size(), &c.original);
      if (is_new) {
        json column = histogram(c.original, bins);
        column["name"] = c.name;
        column["dtype"] = c.dtype;
        data["columns"].push_back(std::move(column));
      }
      const Histogram& original = *at->second.second;
      json entry = {{"column", at->second.first},
                    {"bound", c.bound},
                    {"max", c.max_abs_error},
                    {"rms", c.rms_error},
                    {"exact", c.exact_share}};
      if (c.bound.starts_with("abs")) entry["allowed"] = c.epsilon;
      const bool identical = c.max_abs_error == 0.0 && c.decoded.counts == c.original.counts;
      if (!identical) {
        entry["decoded"] = rebinned(c.decoded, bins);
        if (!c.error.counts.empty()) entry["error"] = histogram(c.error, bins);
      }
      if (original.counts != c.original.counts || original.low != c.original.low || original.high != c.original.high)
        entry["original"] = histogram(c.original, bins);
      per_column.push_back(std::move(entry));
    }
    data["fidelity"].push_back({{"method", row->method}, {"bound", row->bound}, {"columns", std::move(per_column)}});
  }
}

}  // namespace

json chart_data(const Summary& summary) {
  json data;
  const std::vector<std::string> names = phase_names(summary);
  data["rows"] = pareto_rows(summary);
  data["phases"] = {{"names", names}, {"rows", phase_rows(summary, names)}};
  data["runs"] = runs(summary, names);
  add_distributions(data, summary);
  return data;
}

}  // namespace haywatt::report
