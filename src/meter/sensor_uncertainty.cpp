#include "meter/sensor_uncertainty.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

namespace haywatt::meter {
namespace {

/// Slopes of the power curve of servers: the first busy CPUs draw 1.75 times the mean, the middle ones 0.65. At worst
/// (95 %) one of two programs has the first and the other the middle.
const double u_curve = std::log(1.75 / 0.65) / 1.96;
/// What two programs do with a CPU second: each within a factor 1.3 (95 %), a declared guess, as in the estimate.
const double u_program = std::log(1.3) / 1.96 * std::numbers::sqrt2;
/// A core with both siblings busy draws 1.2 times what it draws with one, so a CPU second on it 0.6: a declared guess.
const double sibling_price = std::log(1.0 / 0.6);

/// Of the variance of a guessed idle power, the part that is the same in every run on the machine: how much of its
/// power at load is idle power. The rest is the run's own (its least second is not the next run's).
constexpr double idle_guess_shared = 0.9;

}  // namespace

double price_u(const Machine& m, double load) {
  const double paired =
      m.logical_cpus > 0 ? std::clamp(static_cast<double>(m.paired_cpus) / m.logical_cpus, 0.0, 1.0) : 0.0;
  // Of busy CPUs the part q has a busy sibling: those whose core has two CPUs online, by the load. All the difference
  // is possible between programs at q = 1/2, none at 0 and 1; evenly distributed within +-.
  const double q = std::clamp(load, 0.0, 1.0) * paired;
  const double u_siblings = sibling_price * 2.0 * std::sqrt(q * (1.0 - q)) / std::sqrt(3.0);
  return std::hypot(std::hypot(u_curve, u_program), u_siblings);
}

SensorUncertainty::SensorUncertainty(const EnergySensor& sensor, std::size_t channel, const Machine& machine,
                                     RunIdentity who)
    : channel_(sensor.channels()[channel]), sensor_(sensor.name()), who_(std::move(who)), machine_(machine) {}

void SensorUncertainty::set_load(double load) { price_u_ = price_u(machine_, load); }

void SensorUncertainty::set_unseen(const PowerSpread& spread, double wall_s, double machine_J) {
  const double unseen = 1.0 - channel_.window_share;
  if (!(unseen > 0.0) || !(wall_s > 0.0)) return;
  const double mean_W = machine_J / wall_s;
  if (spread.samples > 0) u_samples_W_ = spread.sigma_W() / std::sqrt(static_cast<double>(spread.samples));
  // A load with the sensor's own period (or a multiple) shows it always the same part of its cycle: what it draws in
  // the rest can be anything from idle to the most that it can draw.
  const double most_W = std::max({channel_.limit_W, spread.most_W, mean_W});
  u_unseen_W_ = unseen * std::max(most_W - mean_W, mean_W - std::min(idle_.watts, mean_W)) / 1.96;
}

void SensorUncertainty::add_gain_and_period(std::vector<Component>& list, double resolution_J) const {
  list.push_back({"gain",
                  'B',
                  channel_.gain_u_rel,
                  0.0,
                  {CorrelationKind::Sensor, sensor_ + ":" + channel_.boundary + ":" + who_.machine}});
  if (resolution_J > 0.0)
    list.push_back({"update period", 'B', 0.0, resolution_J, {CorrelationKind::Run, who_.run + ":edges"}});
}

void SensorUncertainty::add_unseen(std::vector<Component>& list, double wall_s) const {
  if (u_samples_W_ * wall_s > 0.0)
    list.push_back({"samples", 'A', 0.0, u_samples_W_ * wall_s, {CorrelationKind::Run, who_.run + ":samples"}});
  if (u_unseen_W_ * wall_s > 0.0)
    list.push_back({"unseen time", 'B', 0.0, u_unseen_W_ * wall_s, {CorrelationKind::Run, who_.run + ":unseen"}});
}

void SensorUncertainty::add_idle(std::vector<Component>& list, double idle_s) const {
  const double u_J = idle_.u_W * idle_s;
  if (u_J == 0.0) return;
  const double shared = idle_.measured ? 0.0 : idle_guess_shared;
  if (shared > 0.0)
    list.push_back({"idle power",
                    'B',
                    0.0,
                    u_J * std::sqrt(shared),
                    {CorrelationKind::Machine, "idle:" + sensor_ + ":" + channel_.boundary + ":" + who_.machine}});
  list.push_back({"idle power, this run",
                  'B',
                  0.0,
                  u_J * std::sqrt(1.0 - shared),
                  {CorrelationKind::Run, who_.run + ":idle:" + channel_.boundary}});
}

/// d ln E / d ln price = 1 - z for a part z of the machine, with the opposite sign for the price of the others.
void SensorUncertainty::add_attribution(std::vector<Component>& list, const Parts& parts, double joules) const {
  const double u_J = price_u_ * (parts.mixed_J - std::min(idle_.watts * parts.mixed_s, parts.mixed_J));
  const double each_J = u_J / std::numbers::sqrt2;
  if (each_J == 0.0) return;
  // A share cannot fall below nothing: relative, where that can be said.
  const bool relative = joules > std::fabs(each_J);
  const auto add = [&](const char* name, double u, const std::string& id) {
    list.push_back(
        {name, 'B', relative ? u / joules : 0.0, relative ? 0.0 : u, {CorrelationKind::Model, "attribution:" + id}});
  };
  add("attribution", each_J, who_.machine + ":" + who_.method);
  add("attribution, others", -each_J, who_.machine + ":others");
}

std::vector<Component> SensorUncertainty::components(const Parts& p, Rule rule) const {
  std::vector<Component> list;
  add_gain_and_period(list, p.resolution_J);
  add_unseen(list, std::fabs(p.busy_s));
  add_idle(list, rule == Rule::Marginal ? -p.busy_s : p.idle_s - p.busy_s);
  add_attribution(list, p, rule == Rule::Marginal ? p.marginal_J(idle_.watts) : p.attributed_J(idle_.watts));
  return list;
}

std::vector<Component> SensorUncertainty::of_machine(double wall_s, double resolution_J) const {
  std::vector<Component> list;
  add_gain_and_period(list, resolution_J);
  add_unseen(list, wall_s);
  return list;
}

}  // namespace haywatt::meter
