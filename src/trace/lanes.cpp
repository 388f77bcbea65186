#include "trace/lanes.hpp"

#include <algorithm>
#include <tuple>

namespace haywatt::trace {
namespace {

/// A lane being filled, with the ends of the stretches that are open at the moment, the outermost first.
struct Filling {
  Lane lane;
  std::vector<std::int64_t> open;

  bool take(const Stretch& s) {
    while (!open.empty() && open.back() <= s.start_ns) open.pop_back();
    if (!open.empty() && s.end_ns > open.back()) return false;
    open.push_back(s.end_ns);
    lane.stretches.push_back(s);
    return true;
  }
};

}  // namespace

std::vector<Lane> nested_lanes(std::vector<Stretch> stretches) {
  std::stable_sort(stretches.begin(), stretches.end(), [](const Stretch& a, const Stretch& b) {
    return std::tuple(a.key, a.start_ns, -a.end_ns) < std::tuple(b.key, b.start_ns, -b.end_ns);
  });
  std::vector<Lane> lanes;
  std::vector<Filling> of_key;
  const auto finish = [&] {
    for (Filling& f : of_key) lanes.push_back(std::move(f.lane));
    of_key.clear();
  };
  for (const Stretch& s : stretches) {
    if (!of_key.empty() && of_key.front().lane.key != s.key) finish();
    const bool taken = std::any_of(of_key.begin(), of_key.end(), [&](Filling& f) { return f.take(s); });
    if (taken) continue;
    Filling& fresh = of_key.emplace_back();
    fresh.lane.key = s.key;
    fresh.lane.number = of_key.size() - 1;
    fresh.take(s);
  }
  finish();
  return lanes;
}

}  // namespace haywatt::trace
