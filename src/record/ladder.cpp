#include "haywatt/record/ladder.hpp"

#include <algorithm>

namespace haywatt {

const LadderRung* LadderRecord::rung(const std::string& id) const {
  const auto at = std::find_if(rungs.begin(), rungs.end(), [&](const LadderRung& r) { return r.id == id; });
  return at == rungs.end() ? nullptr : &*at;
}

bool LadderRecord::runs_here(const LadderRung& r, const std::string& phase) const {
  if (!r.concerns(phase) || !r.unavailable.empty()) return false;
  return std::none_of(checks.begin(), checks.end(),
                      [&](const LadderCheck& c) { return c.rung == r.id && c.phase == phase && !c.failure.empty(); });
}

const LadderRung* LadderRecord::before(const LadderRung& r, const std::string& phase) const {
  // At most one look a rung: a record from elsewhere may hold a circle.
  const LadderRung* below = rung(r.on);
  for (std::size_t i = 0; below != nullptr && i < rungs.size(); ++i) {
    if (runs_here(*below, phase)) return below;
    below = rung(below->on);
  }
  return nullptr;
}

const LadderRung* LadderRecord::first(const std::string& phase) const {
  for (const LadderRung& r : rungs)
    if (runs_here(r, phase)) return &r;
  return nullptr;
}

const LadderStep* LadderRecord::step(const std::string& of, const std::string& against, const std::string& phase,
                                     std::uint64_t of_rows) const {
  for (const LadderStep& s : steps)
    if (s.rung == of && s.against == against && s.phase == phase && s.rows == of_rows) return &s;
  return nullptr;
}

const LadderCheck* LadderRecord::check(const std::string& of, const std::string& phase) const {
  for (const LadderCheck& c : checks)
    if (c.rung == of && c.phase == phase) return &c;
  return nullptr;
}

double work_s(const RunRecord& run, const std::vector<std::string>& overhead) {
  double work = 0.0, all = 0.0;
  for (const PhaseRecord& p : run.phases) {
    all += p.wall_s;
    if (std::find(overhead.begin(), overhead.end(), p.name) == overhead.end()) work += p.wall_s;
  }
  const bool marked = run.phases.size() > 1 || (run.phases.size() == 1 && run.phases.front().name != "other");
  return marked && all > 0.0 ? work : run.wall_s;
}

}  // namespace haywatt
