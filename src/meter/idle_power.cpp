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

/// 95 % factors of the ratio and of the curve, as standard uncertainties of their logarithms.
const double u_ratio = std::log(4.0) / 1.96, u_curve = std::log(2.0) / 1.96;

/// Idle power from the power at a load: P r / (r + (1 - r) s), and how r and s move it.
IdlePower without_load(double watts, double load) {
  const double s = server_curve(load), all = idle_over_full + (1.0 - idle_over_full) * s;
  IdlePower idle;
  idle.watts = watts * idle_over_full / all;
  idle.u_W = idle.watts * std::hypot(u_ratio * s / all, u_curve * (1.0 - idle_over_full) * s / all);
  return idle;
}

/// Both ends of a stretch lie up to one period from where they should.
double u_of_period_W(double watts, double wall_s, double period_s) {
  return wall_s > 0.0 ? std::min(period_s / wall_s / std::sqrt(6.0), 1.0) * watts : watts;
}

double load_of(double busy_s, double wall_s, int cpus) {
  if (cpus <= 0 || !std::isfinite(busy_s) || !(wall_s > 0.0)) return 0.0;
  return std::clamp(busy_s / (wall_s * cpus), 0.0, 1.0);
}

/// The stretch of about 1 s and of at least ten periods of the counter with the least power.
struct Least {
  double watts = std::numeric_limits<double>::infinity(), load = 1.0, wall_s = 0.0;
  double u_W = 0.0;  ///< of the power, by the counter's period
};

Least least_stretch(const Timeline& timeline, const std::vector<double>& joules, int cpus, double update_period_s) {
  const auto intervals = slow_intervals(timeline);
  const double window_s = std::max(shortest_window_s, periods_a_window * update_period_s);
  Least least;
  const auto consider = [&](double energy_J, double wall_s, double busy_s) {
    if (wall_s > 0.0 && energy_J / wall_s < least.watts)
      least = {energy_J / wall_s, load_of(busy_s, wall_s, cpus), wall_s, 0.0};
  };
  // Stretches of neighbouring intervals, each as short as the window allows.
  double wall_s = 0.0, busy_s = 0.0;
  for (std::size_t from = 0, to = 0; to < intervals.size(); ++to) {
    wall_s += intervals[to].wall_s;
    busy_s += intervals[to].machine_busy_s;
    for (; wall_s - intervals[from].wall_s >= window_s; ++from) {
      wall_s -= intervals[from].wall_s;
      busy_s -= intervals[from].machine_busy_s;
    }
    const bool whole_run = from == 0 && to + 1 == intervals.size();
    if (wall_s >= window_s || whole_run)
      consider(joules[intervals[to].last] - joules[intervals[from].first], wall_s, busy_s);
  }
  // Twice: the least of several is chosen, which errors at the ends help it to be.
  if (std::isfinite(least.watts)) least.u_W = 2.0 * u_of_period_W(least.watts, least.wall_s, update_period_s);
  return least;
}

const IdlePower nothing_known{0.0, 0.0, "idle power unknown: the run was too short", false};

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
  const Least least = least_stretch(timeline, joules, cpus, update_period_s);
  if (!std::isfinite(least.watts)) return nothing_known;
  IdlePower idle = without_load(least.watts, least.load);
  idle.u_W = std::hypot(idle.u_W, least.u_W);
  idle.note =
      fmt::format("idle power guessed: {:.3g} W, from the least {:.1f} s of the run ({:.3g} W at {:.0f} % load)",
                  idle.watts, least.wall_s, least.watts, 100.0 * least.load);
  return idle;
}

IdlePower guess_device_idle(const Timeline& timeline, const std::vector<double>& joules, double update_period_s) {
  const Least least = least_stretch(timeline, joules, 1, update_period_s);
  if (!std::isfinite(least.watts)) return nothing_known;
  IdlePower idle;
  idle.watts = least.watts / 2.0;
  idle.u_W = std::hypot(least.watts / std::sqrt(12.0), least.u_W);
  idle.note = fmt::format("idle power guessed: {:.3g} W, half of the least {:.1f} s of the run ({:.3g} W)", idle.watts,
                          least.wall_s, least.watts);
  return idle;
}

}  // namespace haywatt::meter
