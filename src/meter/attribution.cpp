#include "meter/attribution.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "meter/server_model.hpp"

namespace haywatt::meter {
namespace {

constexpr double idle_over_full = 0.24;
constexpr double shortest_window_s = 0.9;

double seconds(std::int64_t ns) { return static_cast<double>(ns) * 1e-9; }

/// What of a slice goes to each phase: energy by CPU time, time by wall time.
void give_slice(const Slice& slice, const Parts& parts, bool by_wall_only, std::map<PhaseId, Parts>& phases) {
  double cpu = 0.0, wall = 0.0;
  for (const PhaseUse& u : slice) {
    cpu += u.cpu_ns;
    wall += u.wall_ns;
  }
  for (const PhaseUse& u : slice) {
    const double by_wall = wall > 0.0 ? u.wall_ns / wall : 1.0 / static_cast<double>(slice.size());
    const double by_cpu = cpu > 0.0 && !by_wall_only ? u.cpu_ns / cpu : by_wall;
    phases[u.phase] += {parts.energy_J * by_cpu, parts.busy_s * by_cpu, parts.idle_s * by_wall};
  }
  if (slice.empty()) phases[other_phase] += parts;
}

/// Idle power from the power at a load, with the spread of what is taken off.
IdlePower without_load(double watts, double load) {
  const double above_idle = (1.0 - idle_over_full) * server_curve(load);
  IdlePower idle;
  idle.watts = watts * idle_over_full / (idle_over_full + above_idle);
  idle.u_W = (watts - idle.watts) / std::sqrt(3.0);
  return idle;
}

}  // namespace

Parts& Parts::operator+=(const Parts& o) {
  energy_J += o.energy_J;
  busy_s += o.busy_s;
  idle_s += o.idle_s;
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
      const Parts parts{energy_J * share, wall_s * share, wall_s * idle_share};
      shares.machine_J += energy_J;
      shares.run += parts;
      shares.steps.push_back(parts);
      shares.machine_J_steps.push_back(energy_J);
      give_slice(timeline.slices[i], parts, by_device, shares.phases);
    }
  }
  return shares;
}

std::optional<IdlePower> measured_idle(const std::vector<IdleSecond>& watched, int cpus) {
  std::vector<double> watts;
  double joules = 0.0, wall_s = 0.0, busy_s = 0.0;
  for (const IdleSecond& s : watched) {
    if (!(s.wall_s > 0.0) || !std::isfinite(s.joules)) continue;
    watts.push_back(s.joules / s.wall_s);
    joules += s.joules;
    wall_s += s.wall_s;
    busy_s += s.busy_s;
  }
  if (watts.empty()) return std::nullopt;
  const double mean_W = joules / wall_s, n = static_cast<double>(watts.size());
  double squares = 0.0;
  for (const double w : watts) squares += (w - mean_W) * (w - mean_W);
  // Of one second the spread is not known: as much as its power.
  const double u_mean_W = n > 1.0 ? std::sqrt(squares / (n - 1.0) / n) : mean_W;
  const double load = std::isfinite(busy_s) ? busy_s / (wall_s * std::max(cpus, 1)) : 0.0;
  IdlePower idle = without_load(mean_W, load);
  idle.u_W = std::hypot(idle.u_W, u_mean_W);
  idle.measured = true;
  idle.note = fmt::format("idle power measured: {:.3g} W, over {:.1f} s before the start", idle.watts, wall_s);
  return idle;
}

IdlePower guess_idle(const Timeline& timeline, const std::vector<double>& joules, int cpus) {
  const auto intervals = slow_intervals(timeline);
  double least_W = std::numeric_limits<double>::infinity(), load = 1.0;
  const auto consider = [&](double energy_J, double wall_s, double busy_s) {
    if (wall_s <= 0.0 || energy_J / wall_s >= least_W) return;
    least_W = energy_J / wall_s;
    load = std::clamp(busy_s / (wall_s * std::max(cpus, 1)), 0.0, 1.0);
  };
  double wall_s = 0.0, busy_s = 0.0;
  for (const SlowInterval& s : intervals) {
    if (s.wall_s >= shortest_window_s) consider(joules[s.last] - joules[s.first], s.wall_s, s.machine_busy_s);
    wall_s += s.wall_s;
    busy_s += s.machine_busy_s;
  }
  if (!std::isfinite(least_W) && !joules.empty()) consider(joules.back() - joules.front(), wall_s, busy_s);
  if (!std::isfinite(least_W)) return {0.0, 0.0, "idle power unknown: the run was too short"};
  IdlePower idle = without_load(least_W, load);
  idle.note = fmt::format("idle power guessed: {:.3g} W, from the least second of the run ({:.3g} W at {:.0f} % load)",
                          idle.watts, least_W, 100.0 * load);
  return idle;
}

}  // namespace haywatt::meter
