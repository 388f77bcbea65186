#include "meter/attribution.hpp"

#include <algorithm>
#include <cmath>

namespace haywatt::meter {
namespace {

double seconds(std::int64_t ns) { return static_cast<double>(ns) * 1e-9; }

/// Energy of a slice that by CPU time is a share z of the machine's.
Parts parts_of(double energy_J, double wall_s, double z, double idle_s) {
  return {energy_J * z, wall_s * z, idle_s, energy_J * z * (1.0 - z), wall_s * z * (1.0 - z), 0.0};
}

}  // namespace

Parts& Parts::operator+=(const Parts& o) {
  energy_J += o.energy_J;
  busy_s += o.busy_s;
  idle_s += o.idle_s;
  mixed_J += o.mixed_J;
  mixed_s += o.mixed_s;
  return *this;
}

std::vector<SlowInterval> slow_intervals(const Timeline& timeline) {
  std::vector<SlowInterval> intervals;
  std::size_t first = 0;
  for (std::size_t i = 1; i < timeline.readings.size(); ++i) {
    const Reading &a = timeline.readings[first], &b = timeline.readings[i];
    if (!b.slow) continue;
    SlowInterval s{first, i, seconds(b.wall_ns - a.wall_ns), seconds(b.process_cpu_ns - a.process_cpu_ns), 0.0};
    const double busy = b.machine_busy_s - a.machine_busy_s;  // counted in ticks of 10 ms, so it may lag behind ours
    s.machine_busy_s = std::isfinite(busy) ? std::max(busy, s.process_cpu_s) : s.process_cpu_s;
    intervals.push_back(s);
    first = i;
  }
  return intervals;
}

double part_of(const SlowInterval& interval, const Timeline& timeline, std::size_t slice) {
  const double wall_s = seconds(timeline.readings[slice + 1].wall_ns - timeline.readings[slice].wall_ns);
  return interval.wall_s > 0.0 ? wall_s / interval.wall_s : 1.0;
}

std::vector<SlicePart> slice_parts(const Slice& slice, bool by_wall) {
  double cpu = 0.0, wall = 0.0;
  for (const PhaseUse& u : slice) {
    cpu += u.cpu_ns;
    wall += u.wall_ns;
  }
  std::vector<SlicePart> parts;
  for (const PhaseUse& u : slice) {
    const double of_time = wall > 0.0 ? u.wall_ns / wall : 1.0 / static_cast<double>(slice.size());
    parts.push_back({u.phase, cpu > 0.0 && !by_wall ? u.cpu_ns / cpu : of_time, of_time});
  }
  if (parts.empty()) parts.emplace_back();
  return parts;
}

Parts Shares::rest() const {
  return {machine_J - run.energy_J, wall_s - run.busy_s, wall_s - run.idle_s, -run.mixed_J, -run.mixed_s, 0.0};
}

Shares share_out(const Timeline& timeline, const std::vector<double>& joules, double allotted,
                 const std::vector<double>& told) {
  Shares shares;
  for (const SlowInterval& interval : slow_intervals(timeline)) {
    const bool by_device = !told.empty();
    const double share = by_device ? told[interval.last] : interval.share();
    const double idle_share = std::isfinite(allotted) && !by_device ? allotted : share;
    for (std::size_t i = interval.first; i < interval.last; ++i) {
      const double energy_J = joules[i + 1] - joules[i];
      const double wall_s = seconds(timeline.readings[i + 1].wall_ns - timeline.readings[i].wall_ns);
      const Parts step = parts_of(energy_J, wall_s, share, wall_s * idle_share);
      shares.machine_J += energy_J;
      shares.wall_s += wall_s;
      shares.run += step;
      shares.steps.push_back(step);
      shares.machine_J_steps.push_back(energy_J);
      shares.share_steps.push_back(share);
      for (const SlicePart& p : slice_parts(timeline.slices[i], by_device))
        shares.phases[p.phase] += parts_of(energy_J, wall_s, share * p.of_energy, wall_s * idle_share * p.of_time);
    }
  }
  return shares;
}

}  // namespace haywatt::meter
