#include "meter/idle_power.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "meter/server_model.hpp"

namespace haywatt::meter {
namespace {

constexpr double idle_over_full = 0.24;
constexpr double shortest_window_s = 0.9, periods_a_window = 10.0;
constexpr double u_drift = 0.03;

/// Idle power from the power at a load, with the spread of what is taken off.
IdlePower without_load(double watts, double load) {
  const double above_idle = (1.0 - idle_over_full) * server_curve(load);
  IdlePower idle;
  idle.watts = watts * idle_over_full / (idle_over_full + above_idle);
  idle.u_W = (watts - idle.watts) / std::sqrt(3.0);
  return idle;
}

/// Both ends of a stretch lie up to one period from where they should.
double u_of_period_W(double watts, double wall_s, double period_s) {
  return wall_s > 0.0 ? std::min(period_s / wall_s / std::sqrt(6.0), 1.0) * watts : watts;
}

double load_of(double busy_s, double wall_s, int cpus) {
  return std::isfinite(busy_s) && wall_s > 0.0 ? std::clamp(busy_s / (wall_s * std::max(cpus, 1)), 0.0, 1.0) : 0.0;
}

}  // namespace

std::optional<IdlePower> measured_idle(const std::vector<IdleSecond>& watched, int cpus, double update_period_s) {
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
  // The spread of one second is not known: it is taken to be as large as its power.
  const double u_mean_W = n > 1.0 ? std::sqrt(squares / (n - 1.0) / n) : mean_W;
  IdlePower idle = without_load(mean_W, load_of(busy_s, wall_s, cpus));
  idle.u_W = std::hypot(std::hypot(idle.u_W, u_mean_W), u_of_period_W(mean_W, wall_s, update_period_s));
  idle.u_W = std::hypot(idle.u_W, u_drift * idle.watts);
  idle.measured = true;
  idle.note = fmt::format("idle power measured: {:.3g} W, over {:.1f} s before the start", idle.watts, wall_s);
  return idle;
}

IdlePower guess_idle(const Timeline& timeline, const std::vector<double>& joules, int cpus, double update_period_s) {
  const auto intervals = slow_intervals(timeline);
  const double window_s = std::max(shortest_window_s, periods_a_window * update_period_s);
  double least_W = std::numeric_limits<double>::infinity(), load = 1.0, length_s = 0.0;
  const auto consider = [&](double energy_J, double wall_s, double busy_s) {
    if (!(wall_s > 0.0) || !(energy_J / wall_s < least_W)) return;
    least_W = energy_J / wall_s;
    load = load_of(busy_s, wall_s, cpus);
    length_s = wall_s;
  };
  // Stretches of neighbouring intervals, each as short as the window allows.
  double wall_s = 0.0, busy_s = 0.0;
  bool any = false;
  for (std::size_t from = 0, to = 0; to < intervals.size(); ++to) {
    wall_s += intervals[to].wall_s;
    busy_s += intervals[to].machine_busy_s;
    for (; wall_s - intervals[from].wall_s >= window_s; ++from) {
      wall_s -= intervals[from].wall_s;
      busy_s -= intervals[from].machine_busy_s;
    }
    if (wall_s < window_s) continue;
    any = true;
    consider(joules[intervals[to].last] - joules[intervals[from].first], wall_s, busy_s);
  }
  if (!any && !joules.empty()) consider(joules.back() - joules.front(), wall_s, busy_s);
  if (!std::isfinite(least_W)) return {0.0, 0.0, "idle power unknown: the run was too short", false};
  IdlePower idle = without_load(least_W, load);
  // Twice: the least of several is chosen, which errors at the ends help it to be.
  idle.u_W = std::hypot(idle.u_W, 2.0 * u_of_period_W(least_W, length_s, update_period_s));
  idle.note =
      fmt::format("idle power guessed: {:.3g} W, from the least {:.1f} s of the run ({:.3g} W at {:.0f} % load)",
                  idle.watts, length_s, least_W, 100.0 * load);
  return idle;
}

}  // namespace haywatt::meter
