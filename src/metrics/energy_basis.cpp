// Which energy figures of a study belong together, and how they are looked up.
#include <algorithm>
#include <array>
#include <map>
#include <tuple>

#include "haywatt/metrics/summary.hpp"

namespace haywatt::metrics {
namespace {

int boundary_rank(const std::string& boundary) {
  static constexpr std::array<const char*, 6> widest_first = {"wall", "node", "psys", "package", "board", "dram"};
  return static_cast<int>(std::find(widest_first.begin(), widest_first.end(), boundary) - widest_first.begin());
}

/// Of the run or a phase of it, not of the whole machine or of what else ran on it.
bool is_of_run(const EnergyFigure& e) { return e.share != "machine" && e.share != "unattributed"; }

const EnergyFigure* find_energy(const std::vector<EnergyFigure>& energy, const EnergyBasis& basis,
                                const std::string& rule) {
  const EnergyFigure* found = nullptr;
  for (const EnergyFigure& e : energy) {
    if (!e.known || e.sensor != basis.sensor || e.boundary != basis.boundary || e.rule != rule || !is_of_run(e))
      continue;
    if (found == nullptr || (e.share == "process-tree" && found->share != "process-tree")) found = &e;
  }
  return found;
}

EnergyBasis choose_among(const std::vector<const RunRecord*>& runs) {
  struct Candidate {
    EnergyBasis basis;
    int runs = 0;
  };
  std::map<std::tuple<std::string, std::string>, Candidate> candidates;
  std::string why_unknown;
  for (const RunRecord* run : runs) {
    for (const EnergyFigure& e : run->energy) {
      if (!is_of_run(e)) continue;
      if (!e.known) {
        if (why_unknown.empty()) why_unknown = e.note;
        continue;
      }
      if (e.rule != "attributed") continue;
      Candidate& c = candidates[{e.sensor, e.boundary}];
      c.basis = {e.sensor, e.boundary, e.tier, true, e.note, e.sensor == "estimate"};
      ++c.runs;
    }
  }
  const Candidate* best = nullptr;
  const auto key = [](const Candidate& c) {
    return std::tuple(-c.runs, c.basis.estimated ? 1 : 0, boundary_rank(c.basis.boundary));
  };
  for (const auto& [unused, c] : candidates)
    if (best == nullptr || key(c) < key(*best)) best = &c;
  if (best != nullptr) return best->basis;
  EnergyBasis none;
  none.note = why_unknown;
  return none;
}

}  // namespace

EnergyBasis choose_energy_basis(const StudyRecord& study) {
  std::vector<const RunRecord*> runs;
  for (const RunRecord& run : study.runs)
    if (run.status == "ok") runs.push_back(&run);
  return choose_among(runs);
}

EnergyBasis choose_energy_basis(const RunRecord& run) { return choose_among({&run}); }

std::optional<Figure> run_energy(const RunRecord& run, const EnergyBasis& basis, const std::string& rule) {
  const EnergyFigure* e = find_energy(run.energy, basis, rule);
  if (e == nullptr) return std::nullopt;
  return e->joules;
}

std::optional<double> phase_energy(const PhaseRecord& phase, const EnergyBasis& basis, const std::string& rule) {
  const EnergyFigure* e = find_energy(phase.energy, basis, rule);
  if (e == nullptr) return std::nullopt;
  return e->joules.value;
}

}  // namespace haywatt::metrics
