/// The estimate of a machine that was calibrated with a wall meter.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "meter/calibrated_power.hpp"
#include "meter/estimate_parts.hpp"

namespace haywatt::meter {
namespace {

/// A wall meter's gain: 2 % for 95 %, a declared guess; it is the same in all that this calibration gives.
constexpr double u_gain = 0.02 / 1.96;

using Vector = CalibratedPower::Vector;

struct Calibrated {
  CalibratedPower power;
  std::string id;  ///< of this calibration
  Vector idle{};   ///< basis of idle power
  Vector above{};  ///< mean of basis(u) - basis(0) over the run, by energy above idle: one watt's worth
  RunIdentity who;
};

std::vector<Component> components(const Calibrated& c, double marginal_J, double idle_J) {
  const double all_J = marginal_J + idle_J;
  std::vector<Component> list;
  if (!(all_J > 0.0)) return list;
  const double idle_W = c.power.value(c.idle);
  const auto of_idle = c.power.parts(c.idle), of_above = c.power.parts(c.above);
  for (std::size_t k = 0; k < CalibratedPower::terms; ++k)
    list.push_back(model_part("calibration", (marginal_J * of_above[k] + idle_J * of_idle[k] / idle_W) / all_J,
                              c.id + ":" + std::to_string(k)));
  // What temperature, fans and the meter itself change from one reading to the next.
  list.push_back({"calibration, scatter", 'B', c.power.scatter(), 0.0, {CorrelationKind::Run, c.who.run + ":wall"}});
  list.push_back(model_part("wall meter's gain", u_gain, c.id + ":gain"));
  add_workload(list, c.who, std::clamp(marginal_J / all_J, 0.0, 1.0));
  return list;
}

}  // namespace

EnergySource calibrated_estimate(const Timeline& timeline, const Machine& machine, const Calibration& calibration,
                                 const RunIdentity& who) {
  Calibrated c{CalibratedPower(calibration, machine.micro_architecture),
               "calibration:" + calibration.machine + ":" + calibration.created,
               {},
               {},
               who};
  c.idle = c.power.basis(0.0);
  const double idle_W = c.power.watts(0.0);
  Vector above{};
  double above_J = 0.0;
  const auto joules = integrate(timeline, machine, [&](double load, double wall_s) {
    const double watts = std::max(c.power.watts(load), idle_W);
    const Vector x = c.power.basis(load);
    for (std::size_t k = 0; k < x.size(); ++k) above[k] += wall_s * (x[k] - c.idle[k]);
    above_J += wall_s * (watts - idle_W);
    return watts;
  });
  if (above_J > 0.0)
    for (std::size_t k = 0; k < above.size(); ++k) c.above[k] = above[k] / above_J;
  Shares shares = share_out(timeline, joules, allotted_share(machine));
  EnergySource s = source_of(shares, idle_W);
  s.tier = "calibrated";
  s.note = fmt::format("{}; calibrated {} with {} readings of a wall meter: {:.0f} W idle, {:.0f} W full", caution,
                       calibration.created, calibration.points.size(), idle_W, c.power.watts(1.0));
  s.components = [c, idle_W](const Parts& p, Rule rule) {
    const double marginal_J = p.marginal_J(idle_W);
    return components(c, marginal_J, rule == Rule::Marginal ? 0.0 : idle_W * p.idle_s);
  };
  s.machine_components = components(c, above_J, std::max(shares.machine_J - above_J, 0.0));
  return s;
}

}  // namespace haywatt::meter
