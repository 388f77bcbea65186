#include "meter/energy_source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace haywatt::meter {
namespace {

EnergyFigure figure_of(const EnergySource& s, const char* share, const char* rule, double joules,
                       std::vector<Component> components) {
  EnergyFigure e;
  e.joules = Figure::from_components(joules, "J", std::move(components));
  e.sensor = s.sensor;
  e.boundary = s.boundary;
  e.share = share;
  e.rule = rule;
  e.tier = s.tier;
  e.note = s.note;
  return e;
}

void add_both_rules(const EnergySource& s, const char* share, const Parts& parts, std::vector<EnergyFigure>& out) {
  out.push_back(figure_of(s, share, "marginal", parts.marginal_J(s.idle_W), s.components(parts, Rule::Marginal)));
  out.push_back(figure_of(s, share, "attributed", parts.attributed_J(s.idle_W), s.components(parts, Rule::Attributed)));
}

}  // namespace

double allotted_share(const Machine& m) {
  const bool fewer = m.cpu_quota > 0.0 && m.logical_cpus > 0 && m.cpu_quota < 0.995 * m.logical_cpus;
  return fewer ? m.cpu_quota / m.logical_cpus : std::numeric_limits<double>::quiet_NaN();
}

EnergySource sensor_source(const EnergySensor& sensor, std::size_t channel, const Timeline& timeline,
                           const std::vector<double>& joules, const Machine& machine, const RunIdentity& identity) {
  const SensorChannel& c = sensor.channels()[channel];
  const IdlePower idle = guess_idle(timeline, joules, machine.logical_cpus);
  Shares shares = share_out(timeline, joules, allotted_share(machine));
  const double wall_s =
      static_cast<double>(timeline.readings.back().wall_ns - timeline.readings.front().wall_ns) * 1e-9;

  EnergySource s;
  s.sensor = sensor.name();
  s.boundary = c.boundary;
  s.note = idle.note;
  s.idle_W = idle.watts;
  s.run = shares.run;
  s.phases = std::move(shares.phases);
  s.machine_J = shares.machine_J;

  const Component gain{
      "gain", 'B', c.gain_u_rel, 0.0, {CorrelationKind::Sensor, s.sensor + ":" + c.boundary + ":" + identity.machine}};
  // The first and the last reading lie up to one update period from where they should: tau * P / sqrt(6).
  const double edge_J = wall_s > 0.0 ? c.update_period_s * shares.machine_J / wall_s / std::sqrt(6.0) : 0.0;
  const auto edges = [edge_J, identity](double part) {
    return Component{"update period", 'B', 0.0, edge_J * part, {CorrelationKind::Run, identity.run + ":edges"}};
  };
  s.machine_components = {gain, edges(1.0)};
  s.components = [gain, edges, idle, machine_J = shares.machine_J, run = identity.run](const Parts& p, Rule rule) {
    std::vector<Component> list = {gain};
    if (machine_J > 0.0) list.push_back(edges(p.energy_J / machine_J));
    const double idle_s = rule == Rule::Marginal ? -p.busy_s : p.idle_s - p.busy_s;
    if (idle.u_W * idle_s != 0.0)
      list.push_back({"idle power", 'B', 0.0, idle.u_W * idle_s, {CorrelationKind::Run, run + ":idle"}});
    return list;
  };
  return s;
}

EnergyFigure unknown_figure(const EnergySensor& sensor, std::size_t channel, const std::string& fault) {
  EnergyFigure e;
  e.joules = Figure::exact(std::numeric_limits<double>::quiet_NaN(), "J");
  e.joules.interval.clear();
  e.sensor = sensor.name();
  e.boundary = sensor.channels()[channel].boundary;
  e.share = "machine";
  e.known = false;
  e.note = fault;
  return e;
}

void add_figures(const EnergySource& s, const std::map<std::string, PhaseId>& names, RunRecord& run) {
  add_both_rules(s, "process-tree", s.run, run.energy);
  if (s.machine_J) run.energy.push_back(figure_of(s, "machine", "", *s.machine_J, s.machine_components));
  for (PhaseRecord& phase : run.phases) {
    const auto name = names.find(phase.name);
    const auto parts = name == names.end() ? s.phases.end() : s.phases.find(name->second);
    add_both_rules(s, "phase", parts == s.phases.end() ? Parts{} : parts->second, phase.energy);
  }
}

}  // namespace haywatt::meter
