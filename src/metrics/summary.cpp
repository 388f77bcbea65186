#include "haywatt/metrics/summary.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <tuple>
#include <utility>

namespace haywatt::metrics {
namespace {

constexpr double bytes_per_GB = 1e9;

int bound_rank(const std::string& bound) {
  const std::string plain = plain_bound(bound);
  if (plain == "lossless") return 0;
  return plain == "none" ? 2 : 1;
}

/// What a study varies besides method and bound is named in its rows, and only that.
struct Varied {
  bool threads = false, data = false;
  explicit Varied(const StudyRecord& study) {
    for (const RunRecord& run : study.runs) {
      threads = threads || run.threads != study.runs.front().threads;
      data = data || run.data_xxh3 != study.runs.front().data_xxh3;
    }
  }
};

SummaryRow empty_row(const RunRecord& run, const Varied& varied) {
  SummaryRow row;
  row.method = run.method;
  if (varied.threads) row.method += " [" + std::to_string(run.threads) + (run.threads == 1 ? " thread]" : " threads]");
  row.bound = run.bound;
  if (varied.data) row.bound += " [" + run.data.substr(run.data.rfind('/') + 1) + "]";
  row.method_version = run.method_version;
  row.data_xxh3 = run.data_xxh3;
  row.threads = run.threads;
  return row;
}

std::optional<Figure> figure_of(const SummaryRow& row, const std::string& unit, double (*value)(const RunRecord&)) {
  std::vector<double> values;
  for (const RunRecord* run : row.runs) {
    const double v = value(*run);
    if (std::isfinite(v)) values.push_back(v);
  }
  if (values.empty()) return std::nullopt;
  return Figure::from_repeats(values, unit, row.label());
}

double speed(const RunRecord& run, const std::vector<std::string>& phases) {
  const double wall_s = phase_wall_s(run, phases);
  return wall_s > 0.0 ? static_cast<double>(run.raw_B) / wall_s : std::numeric_limits<double>::quiet_NaN();
}

void set_fidelity(SummaryRow& row) {
  for (const RunRecord* run : row.runs) {
    for (const ColumnFidelity& c : run->fidelity) {
      if (const auto e = error_over_bound(c)) row.error_over_bound = std::max(row.error_over_bound.value_or(0.0), *e);
      const double range = c.maximum - c.minimum;
      const double share = c.max_abs_error == 0.0 ? 0.0 : c.max_abs_error / range;  // infinite for a constant column
      row.error_over_range = std::max(row.error_over_range.value_or(0.0), share);
      row.violations = std::max(row.violations, c.violations);
    }
  }
}

/// The energy of some phases of each run, as a share of the run's figure: the run's components stay.
std::optional<Figure> part_of_energy(const SummaryRow& row, const EnergyBasis& basis, bool decoding) {
  std::vector<Figure> parts;
  for (const RunRecord* run : row.runs) {
    const auto whole = run_energy(*run, basis, "attributed");
    double chosen_J = 0.0, all_J = 0.0;
    for (const PhaseRecord& p : run->phases) {
      const auto joules = phase_energy(p, basis, "attributed");
      if (!joules) continue;
      const bool decodes = p.name.starts_with("read-back") || p.name.starts_with("decode");
      all_J += *joules;
      if (decodes == decoding) chosen_J += *joules;
    }
    if (!whole || !(all_J > 0.0) || run->raw_B == 0) continue;
    parts.push_back(scaled(*whole, chosen_J / all_J / static_cast<double>(run->raw_B) * bytes_per_GB, "J/GB"));
  }
  if (parts.empty()) return std::nullopt;
  return median_of(parts, "J/GB", row.label());
}

std::optional<Figure> energy_per_GB(const SummaryRow& row, const EnergyBasis& basis, const std::string& rule) {
  std::vector<Figure> repeats;
  for (const RunRecord* run : row.runs) {
    const auto joules = run_energy(*run, basis, rule);
    if (joules && run->raw_B > 0)
      repeats.push_back(scaled(*joules, bytes_per_GB / static_cast<double>(run->raw_B), "J/GB"));
  }
  if (repeats.empty()) return std::nullopt;
  return median_of(repeats, "J/GB", row.label());
}

void fill(SummaryRow& row, const EnergyBasis& basis) {
  std::vector<const RunRecord*> by_time = row.runs;
  std::stable_sort(by_time.begin(), by_time.end(),
                   [](const RunRecord* a, const RunRecord* b) { return a->wall_s < b->wall_s; });
  row.typical = by_time[(by_time.size() - 1) / 2];
  const RunRecord& run = *row.typical;
  row.rows = run.rows;
  row.raw_B = run.raw_B;
  row.compressed_B = run.compressed_B;
  row.model_B = run.model_B;
  row.method_version = run.method_version;
  set_fidelity(row);

  const double n = std::numeric_limits<double>::quiet_NaN();
  const double per_row = run.rows > 0 ? static_cast<double>(run.compressed_B) / static_cast<double>(run.rows) : n;
  const double factor =
      run.compressed_B > 0 ? static_cast<double>(run.raw_B) / static_cast<double>(run.compressed_B) : n;
  if (std::isfinite(per_row)) row.bytes_per_row.value = Figure::exact(per_row, "B/row");
  if (std::isfinite(factor)) row.factor.value = Figure::exact(factor, "1");
  row.in_speed.value = figure_of(row, "B/s", [](const RunRecord& r) {
    return speed(r, {"prepare", "train", "encode"});
  });
  row.out_speed.value = figure_of(row, "B/s", [](const RunRecord& r) { return speed(r, {"decode"}); });
  row.peak_memory.value = figure_of(row, "B", [](const RunRecord& r) {
    return r.rss_peak_B > 0 ? static_cast<double>(r.rss_peak_B) : std::numeric_limits<double>::quiet_NaN();
  });
  row.added_memory.value = figure_of(row, "B", [](const RunRecord& r) {
    return r.rss_peak_B > 0 ? static_cast<double>(r.rss_peak_B) - static_cast<double>(r.rss_start_B)
                            : std::numeric_limits<double>::quiet_NaN();
  });
  row.cpu.value = figure_of(row, "s/GB", [](const RunRecord& r) {
    return r.raw_B > 0 ? r.cpu_s / static_cast<double>(r.raw_B) * bytes_per_GB
                       : std::numeric_limits<double>::quiet_NaN();
  });
  if (!basis.known) return;
  row.marginal.value = energy_per_GB(row, basis, "marginal");
  row.attributed.value = energy_per_GB(row, basis, "attributed");
  row.compress_energy = part_of_energy(row, basis, false);
  row.decode_energy = part_of_energy(row, basis, true);
}

void set_ratios(std::vector<SummaryRow>& rows, std::size_t baseline) {
  for (auto member : {&SummaryRow::bytes_per_row, &SummaryRow::factor, &SummaryRow::in_speed, &SummaryRow::out_speed,
                      &SummaryRow::peak_memory, &SummaryRow::added_memory, &SummaryRow::cpu, &SummaryRow::marginal,
                      &SummaryRow::attributed}) {
    const auto base = (rows[baseline].*member).value;
    if (!base || !(base->value > 0.0)) continue;
    for (SummaryRow& row : rows) {
      Metric& m = row.*member;
      if (m.value && row.data_xxh3 == rows[baseline].data_xxh3) m.to_baseline = ratio(*m.value, *base);
    }
  }
}

std::optional<std::size_t> choose_baseline(const std::vector<SummaryRow>& rows) {
  const auto find = [&](auto&& wanted) -> std::optional<std::size_t> {
    const auto at = std::find_if(rows.begin(), rows.end(), [&](const SummaryRow& r) { return r.ok() && wanted(r); });
    if (at == rows.end()) return std::nullopt;
    return static_cast<std::size_t>(at - rows.begin());
  };
  const auto lossless = [](const SummaryRow& r) { return plain_bound(r.bound) == "lossless"; };
  const auto plain_zstd = [](const SummaryRow& r) { return r.method == "zstd" || r.method.starts_with("zstd ["); };
  if (auto i = find([&](const SummaryRow& r) { return lossless(r) && plain_zstd(r); })) return i;
  if (auto i = find([&](const SummaryRow& r) { return lossless(r) && r.method.starts_with("zstd:"); })) return i;
  if (auto i = find(lossless)) return i;
  return find([](const SummaryRow&) { return true; });
}

}  // namespace

std::string plain_bound(const std::string& bound) {
  return bound.ends_with(']') ? bound.substr(0, bound.rfind(" [")) : bound;
}

std::vector<std::string> Summary::bounds() const {
  std::vector<std::string> all;
  for (const SummaryRow& row : rows)
    if (std::find(all.begin(), all.end(), row.bound) == all.end()) all.push_back(row.bound);
  return all;
}

double phase_wall_s(const RunRecord& run, const std::vector<std::string>& names) {
  double wall_s = 0.0;
  for (const PhaseRecord& p : run.phases)
    if (std::find(names.begin(), names.end(), p.name.substr(0, p.name.find('/'))) != names.end()) wall_s += p.wall_s;
  return wall_s;
}

std::optional<double> error_over_bound(const ColumnFidelity& c) {
  const double infinity = std::numeric_limits<double>::infinity();
  if (c.bound.starts_with("none")) return std::nullopt;
  if (c.bound.starts_with("lossless") || c.epsilon <= 0.0)
    return c.max_abs_error == 0.0 && c.violations == 0 ? 0.0 : infinity;
  if (c.bound.starts_with("rel")) return c.max_rel_error / c.epsilon;
  if (c.bound.starts_with("bits")) return c.max_rel_error / std::exp2(-(c.epsilon + 1.0));
  return c.max_abs_error / c.epsilon;
}

Figure median_of(const std::vector<Figure>& repeats, const std::string& unit, const std::string& run_id) {
  std::vector<double> values;
  values.reserve(repeats.size());
  for (const Figure& f : repeats) values.push_back(f.value);
  Figure median = Figure::from_repeats(values, unit, run_id);
  const auto nearest = std::min_element(repeats.begin(), repeats.end(), [&](const Figure& a, const Figure& b) {
    return std::fabs(a.value - median.value) < std::fabs(b.value - median.value);
  });
  if (nearest == repeats.end() || !(median.value > 0.0)) return median;
  std::vector<Component> components;
  for (Component c : median.components) {
    c.u_rel += c.u_abs / median.value;
    c.u_abs = 0.0;
    components.push_back(std::move(c));
  }
  for (Component c : nearest->components) {
    if (c.type == 'A') continue;  // the scatter of repeats is already in
    c.u_rel += c.u_abs / nearest->value;
    c.u_abs = 0.0;
    components.push_back(std::move(c));
  }
  const std::string how = median.interval;
  const bool has_more = components.size() > median.components.size();
  if (!has_more) return median;
  Figure all = Figure::from_components(median.value, unit, std::move(components));
  all.interval = how + "; with " + all.interval;
  return all;
}

Summary summarise(const StudyRecord& study) {
  Summary summary;
  summary.basis = choose_energy_basis(study);
  const Varied varied(study);
  for (const RunRecord& run : study.runs) {
    SummaryRow fresh = empty_row(run, varied);
    auto row = std::find_if(summary.rows.begin(), summary.rows.end(), [&](const SummaryRow& r) {
      return r.method == fresh.method && r.bound == fresh.bound && r.data_xxh3 == fresh.data_xxh3;
    });
    if (row == summary.rows.end()) row = summary.rows.insert(row, std::move(fresh));
    if (run.status == "ok") {
      ++row->ok_runs;
      row->runs.push_back(&run);
    } else {
      if (row->failed_runs++ == 0) row->reason = run.reason;
    }
  }
  for (SummaryRow& row : summary.rows)
    if (row.ok()) fill(row, summary.basis);
  std::map<std::string, std::size_t> first_seen;
  for (const SummaryRow& row : summary.rows) first_seen.emplace(row.bound, first_seen.size());
  std::stable_sort(summary.rows.begin(), summary.rows.end(), [&](const SummaryRow& a, const SummaryRow& b) {
    const auto key = [&](const SummaryRow& r) {
      return std::tuple(bound_rank(r.bound), first_seen[r.bound], r.ok() ? 0 : 1, r.compressed_B);
    };
    return key(a) < key(b);
  });
  summary.baseline = choose_baseline(summary.rows);
  if (summary.baseline) set_ratios(summary.rows, *summary.baseline);
  return summary;
}

}  // namespace haywatt::metrics
