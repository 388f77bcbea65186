#include "meter/energy_source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace haywatt::meter {
namespace {

constexpr std::int64_t shortest_stretch_ns = 50'000'000;  // of a power series

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
                           const ChannelReadings& read, const Machine& machine, const RunIdentity& identity) {
  const SensorChannel& c = sensor.channels()[channel];
  const auto measured = measured_idle(read.idle, machine.logical_cpus);
  const IdlePower idle = measured ? *measured : guess_idle(timeline, read.joules, machine.logical_cpus);
  Shares shares = share_out(timeline, read.joules, allotted_share(machine), read.told);
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
  s.steps = std::move(shares.steps);
  s.machine_J_steps = std::move(shares.machine_J_steps);

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

std::vector<PowerSeries> power_series(const EnergySource& s, const Timeline& timeline, std::size_t most) {
  std::vector<PowerSeries> out;
  const auto add = [&](const char* share, const char* rule, const auto& joules_of_slice) {
    PowerSeries& p = out.emplace_back();
    p.sensor = s.sensor;
    p.boundary = s.boundary;
    p.tier = s.tier;
    p.share = share;
    p.rule = rule;
    const std::int64_t start_ns = timeline.readings.front().wall_ns, end_ns = timeline.readings.back().wall_ns;
    const std::int64_t least_ns =
        std::max<std::int64_t>(shortest_stretch_ns, (end_ns - start_ns) / static_cast<std::int64_t>(most) + 1);
    std::int64_t from_ns = start_ns;
    double joules = 0.0;
    for (std::size_t i = 0; i < timeline.slices.size(); ++i) {
      joules += joules_of_slice(i);
      const std::int64_t to_ns = timeline.readings[i + 1].wall_ns;
      const bool last = i + 1 == timeline.slices.size();
      // What is left at the end goes into the last stretch: no sliver of it stands alone.
      if (to_ns == from_ns || (!last && (to_ns - from_ns < least_ns || end_ns - to_ns < least_ns))) continue;
      if (p.t_s.empty()) p.t_s.push_back(0.0);
      p.t_s.push_back(static_cast<double>(to_ns - start_ns) * 1e-9);
      p.watts.push_back(joules / (static_cast<double>(to_ns - from_ns) * 1e-9));
      from_ns = to_ns;
      joules = 0.0;
    }
  };
  if (s.machine_J) add("machine", "", [&](std::size_t i) { return s.machine_J_steps[i]; });
  add("process-tree", "marginal", [&](std::size_t i) { return s.steps[i].marginal_J(s.idle_W); });
  add("process-tree", "attributed", [&](std::size_t i) { return s.steps[i].attributed_J(s.idle_W); });
  return out;
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
