// Differences by phase, and everything that a comparison says of its runs.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "experiment/compare_metrics.hpp"
#include "haywatt/base/text.hpp"

namespace haywatt::experiment {
namespace {

using metrics::Estimate;

constexpr double short_run_s = 0.02;
/// A process begins as a copy of this program, which hides its own high-water mark until that is higher.
constexpr double small_program_B = 8e6;
constexpr double much_steal = 0.02;

double value_in_phase(const RunRecord& run, const std::string& name, const Quantity& q) {
  const PhaseRecord* phase = run.phase(name);
  if (phase == nullptr) return 0.0;
  if (q.name == "cpu") return phase->cpu_s;
  if (q.name == "time") return phase->wall_s;
  for (const EnergyFigure& e : phase->energy)
    if (e.known && e.sensor == q.sensor && e.boundary == q.boundary && e.rule == q.rule) return e.joules.value;
  return NAN;
}

std::vector<std::string> phase_names(const RunSets& runs) {
  std::vector<std::string> names;
  for (const auto* side : {&runs.a, &runs.b})
    for (const RunRecord* run : *side)
      for (const PhaseRecord& p : run->phases)
        if (std::find(names.begin(), names.end(), p.name) == names.end()) names.push_back(p.name);
  std::stable_partition(names.begin(), names.end(), [](const std::string& n) { return n != "other"; });
  return names.size() == 1 && names.front() == "other" ? std::vector<std::string>{} : names;
}

std::optional<ComparedPhase> difference_of(const RunSets& runs, const std::string& name, const std::string& unit,
                                           const std::vector<double>& a, const std::vector<double>& b) {
  const auto finite = [](const std::vector<double>& v) {
    return std::all_of(v.begin(), v.end(), [](double x) { return std::isfinite(x); });
  };
  if (!finite(a) || !finite(b)) return std::nullopt;
  Estimate e;
  if (runs.paired) {
    std::vector<double> d;
    for (std::size_t i = 0; i < a.size(); ++i) d.push_back(b[i] - a[i]);
    e = metrics::paired_centre(d, runs.level);
  } else {
    e = metrics::unpaired_centre(a, b, runs.level);
  }
  ComparedPhase p;
  p.name = name;
  p.a_median = median_of(a);
  p.b_median = median_of(b);
  p.difference = Figure::exact(e.centre, unit);
  p.difference.low = e.low;
  p.difference.high = e.high;
  p.difference.interval = e.how;
  p.told = e.low > 0.0 || e.high < 0.0;
  return p;
}

double wall_median(const std::vector<const RunRecord*>& runs) {
  std::vector<double> wall;
  for (const RunRecord* run : runs) wall.push_back(run->wall_s);
  return median_of(wall);
}

double memory_median(const std::vector<const RunRecord*>& runs) {
  std::vector<double> peak;
  for (const RunRecord* run : runs) peak.push_back(static_cast<double>(run->rss_peak_B));
  return median_of(peak);
}

double steal_share(const RunSets& runs) {
  double steal = 0.0, wall = 0.0;
  for (const auto* side : {&runs.a, &runs.b})
    for (const RunRecord* run : *side) {
      if (run->tree) steal += run->tree->steal_s;
      wall += run->wall_s;
    }
  return wall > 0.0 ? steal / wall : 0.0;
}

void note_runs(const RunSets& runs, ComparisonRecord& record) {
  const double shortest = std::min(wall_median(runs.a), wall_median(runs.b));
  if (shortest < short_run_s)
    record.notes.push_back(
        fmt::format("a run takes {}: starting a process (about 1 ms) is a good part of what was "
                    "measured; let each command do more work",
                    si(shortest, "s")));
  const double least_B = std::min(memory_median(runs.a), memory_median(runs.b));
  if (least_B > 0.0 && least_B < small_program_B)
    record.notes.push_back("peak memory of programs as small as these is only what was seen at the looks (--interval)");
  if (const double steal = steal_share(runs); steal > much_steal)
    record.notes.push_back(
        fmt::format("the hypervisor gave {:.0f} % of a CPU to other machines meanwhile: wall times "
                    "scatter more than those of a quiet machine",
                    100.0 * steal));
  const auto failed = std::count_if(record.runs.begin(), record.runs.end(),
                                    [](const ComparedRun& r) { return !r.warm_up && r.exit_code != 0; });
  if (failed > 0) record.notes.push_back(fmt::format("{} of the counted runs failed and are in the figures", failed));
}

RunSets sets_of(const ComparisonRecord& record, double level) {
  RunSets sets{.a = {}, .b = {}, .paired = record.paired, .level = level};
  std::vector<const ComparedRun*> counted;
  for (const ComparedRun& r : record.runs)
    if (!r.warm_up && (!record.paired || r.pair < record.pairs)) counted.push_back(&r);
  std::stable_sort(counted.begin(), counted.end(),
                   [](const ComparedRun* x, const ComparedRun* y) { return x->pair < y->pair; });
  for (const ComparedRun* r : counted) (r->side == 'A' ? sets.a : sets.b).push_back(&r->run);
  return sets;
}

}  // namespace

void compare_phases(const RunSets& runs, const Quantity& q, ComparisonRecord& record) {
  const std::vector<std::string> names = q.name == "memory" ? std::vector<std::string>{} : phase_names(runs);
  if (names.empty()) return;
  const auto whole = [&](const RunRecord& run) { return value_in(run, q)->value; };
  const auto gather = [&](const auto& value, std::vector<double>& a, std::vector<double>& b) {
    for (const RunRecord* run : runs.a) a.push_back(value(*run));
    for (const RunRecord* run : runs.b) b.push_back(value(*run));
  };
  std::vector<double> a, b;
  gather(whole, a, b);
  record.total = difference_of(runs, "total", q.unit, a, b);
  for (const std::string& name : names) {
    std::vector<double> of_a, of_b;
    gather([&](const RunRecord& run) { return value_in_phase(run, name, q); }, of_a, of_b);
    if (auto p = difference_of(runs, name, q.unit, of_a, of_b)) record.phases.push_back(*std::move(p));
  }
  if (!record.total || !record.total->told) return;
  const double sign = record.total->difference.value < 0.0 ? -1.0 : 1.0;
  double most = 0.0;
  for (const ComparedPhase& p : record.phases)
    if (p.told && sign * p.difference.value > most) {
      most = sign * p.difference.value;
      record.cause = p.name;
    }
}

void conclude(ComparisonRecord& record, CompareOn on, double level) {
  const RunSets runs = sets_of(record, level);
  if (runs.a.empty() || runs.b.empty()) return;
  const std::vector<Quantity> list = quantities_of(runs);
  std::tie(record.deciding, record.deciding_reason) = choose_deciding(list, runs, on);
  for (const Quantity& q : list) record.metrics.push_back(compare_metric(runs, q));
  const ComparedMetric& decider = record.decider();
  if (decider.known) compare_phases(runs, list[record.deciding], record);
  record.worse = record.fail_if_worse && decider.known && decider.ratio.low > 1.0 + *record.fail_if_worse;
  note_runs(runs, record);
}

}  // namespace haywatt::experiment
