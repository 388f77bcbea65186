// From the runs of a ladder to ratios between its rungs.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "experiment/compare_metrics.hpp"
#include "haywatt/experiment/ladder.hpp"

namespace haywatt::experiment {
namespace {

/// Runs of a rung's phase at one size, by round.
std::map<int, const LadderRun*> by_round(const LadderRecord& record, const std::string& rung, const std::string& phase,
                                         std::uint64_t rows) {
  std::map<int, const LadderRun*> runs;
  for (const LadderRun& r : record.runs)
    if (r.rung == rung && r.phase == phase && r.rows == rows) runs[r.round] = &r;
  return runs;
}

/// `label` tells the commands apart where estimates depend on the program.
RunRecord labelled(const LadderRun& r) {
  RunRecord run = r.run;
  run.label = r.rung + " " + r.phase;
  return run;
}

ComparedMetric work_metric(const RunSets& runs, const std::vector<std::string>& overhead) {
  std::vector<RunRecord> copies;
  copies.reserve(runs.a.size() + runs.b.size());
  RunSets sets{.a = {}, .b = {}, .paired = runs.paired, .level = runs.level};
  const auto add = [&](const std::vector<const RunRecord*>& from, std::vector<const RunRecord*>& to) {
    for (const RunRecord* r : from) {
      copies.push_back(*r);
      copies.back().wall_s = work_s(*r, overhead);
      to.push_back(&copies.back());
    }
  };
  add(runs.a, sets.a);
  add(runs.b, sets.b);
  ComparedMetric m = compare_metric(sets, {"time", "s", {}, {}, {}, {}});
  m.name = "work";
  return m;
}

void add_step(LadderRecord& record, const LadderRung& r, const LadderRung& against, const std::string& phase,
              std::uint64_t rows) {
  if (record.step(r.id, against.id, phase, rows) != nullptr) return;
  const auto of_a = by_round(record, against.id, phase, rows), of_b = by_round(record, r.id, phase, rows);
  std::vector<RunRecord> a, b;
  for (const auto& [round, run] : of_a)
    if (const auto other = of_b.find(round); other != of_b.end()) {
      a.push_back(labelled(*run));
      b.push_back(labelled(*other->second));
    }
  if (a.empty()) return;
  RunSets sets;
  for (const RunRecord& x : a) sets.a.push_back(&x);
  for (const RunRecord& x : b) sets.b.push_back(&x);
  LadderStep s;
  s.rung = r.id;
  s.against = against.id;
  s.phase = phase;
  s.rows = rows;
  s.pairs = static_cast<int>(a.size());
  for (const Quantity& q : quantities_of(sets)) s.metrics.push_back(compare_metric(sets, q));
  s.metrics.push_back(work_metric(sets, record.overhead));
  record.steps.push_back(std::move(s));
}

}  // namespace

void conclude_ladder(LadderRecord& record) {
  record.steps.clear();
  for (const LadderRung& r : record.rungs)
    for (const std::string& phase : record.phases) {
      if (!record.runs_here(r, phase)) continue;
      for (const std::uint64_t rows : record.rows) {
        if (const LadderRung* before = record.before(r, phase)) add_step(record, r, *before, phase, rows);
        if (const LadderRung* first = record.first(phase); first != nullptr && first->id != r.id)
          add_step(record, r, *first, phase, rows);
      }
    }
  const bool estimated = std::any_of(record.steps.begin(), record.steps.end(), [](const LadderStep& s) {
    return std::any_of(s.metrics.begin(), s.metrics.end(),
                       [](const ComparedMetric& m) { return m.known && m.sensor == "estimate"; });
  });
  record.notes.clear();
  if (estimated)
    record.notes.push_back(
        "the energy is an estimate from CPU time and, attributed, a share of idle power over wall time: it ranks the "
        "rungs as those do");
  std::set<int> pairs;
  for (const LadderStep& s : record.steps) pairs.insert(s.pairs);
  if (!pairs.empty() && *pairs.begin() < 6)
    record.notes.push_back(fmt::format(
        "ratios are from {} to {} pairs of runs; below 6 pairs the interval is Student's t of the logarithms, and with "
        "one pair there is none",
        *pairs.begin(), *pairs.rbegin()));
}

}  // namespace haywatt::experiment
