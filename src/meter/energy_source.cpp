#include "meter/energy_source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "meter/resolution.hpp"
#include "meter/sensor_uncertainty.hpp"

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

std::string joined_note(const std::string& formula, const std::string& note) {
  return formula.empty() || note.empty() ? formula + note : formula + "; " + note;
}

void add_both_rules(const EnergySource& s, const char* share, const Parts& parts, std::vector<EnergyFigure>& out) {
  out.push_back(figure_of(s, share, "marginal", parts.marginal_J(s.idle_W), s.components(parts, Rule::Marginal)));
  out.push_back(figure_of(s, share, "attributed", parts.attributed_J(s.idle_W), s.components(parts, Rule::Attributed)));
}

void add_unknown(const EnergySource& s, const char* share, const std::string& why, std::vector<EnergyFigure>& out) {
  for (const char* rule : {"marginal", "attributed"}) {
    EnergyFigure& e = out.emplace_back();
    e.joules = Figure::exact(std::numeric_limits<double>::quiet_NaN(), "J");
    e.joules.interval.clear();
    e.sensor = s.sensor;
    e.boundary = s.boundary;
    e.tier = s.tier;
    e.share = share;
    e.rule = rule;
    e.known = false;
    e.note = why;
  }
}

/// Two phases of one run share their energy by prices of their own, so these are not one quantity.
void name_phase(const std::string& phase, std::vector<EnergyFigure>& figures, std::size_t from) {
  for (; from < figures.size(); ++from)
    for (Component& c : figures[from].joules.components)
      if (c.name == "attribution" || c.name == "update period") c.correlation.id += ":" + phase;
}

void add_phase(const EnergySource& s, PhaseRecord& phase, const Parts* parts) {
  const std::size_t first = phase.energy.size();
  if (!s.unknown_tree.empty()) {
    add_unknown(s, "phase", s.unknown_tree, phase.energy);
  } else if (parts != nullptr && parts->resolution_J > 0.0 && !is_resolved(*parts)) {
    add_unknown(s, "phase",
                fmt::format("not resolvable: {:.3g} s are too short for this counter (its period and step leave "
                            "{:.2g} J uncertain)",
                            phase.wall_s, 1.96 * parts->resolution_J),
                phase.energy);
  } else {
    add_both_rules(s, "phase", parts == nullptr ? Parts{} : *parts, phase.energy);
    name_phase(phase.name, phase.energy, first);
  }
}

void set_formulas(EnergySource& s, const Shares& all, double allotted, bool device_told) {
  const char* share = device_told ? "(share that the device tells)" : "t/t_all";
  s.marginal_formula = fmt::format(
      "marginal = Σ (E − P_idle·Δ)·{} = {:.4g} J (of {:.4g} J) − {:.3g} W·{:.4g} s (of {:.4g} s) = {:.4g} J", share,
      s.run.energy_J, all.machine_J, s.idle_W, s.run.busy_s, all.wall_s, s.run.marginal_J(s.idle_W));
  const std::string a = std::isfinite(allotted) && !device_told ? fmt::format("{:.3g} of the CPUs", allotted) : share;
  s.attributed_formula =
      fmt::format("attributed = marginal + P_idle·Σ Δ·a = {:.4g} J + {:.3g} W·{:.4g} s = {:.4g} J, a = {}",
                  s.run.marginal_J(s.idle_W), s.idle_W, s.run.idle_s, s.run.attributed_J(s.idle_W), a);
}

/// A GPU draws by what runs on it, not by the load of the CPUs.
bool is_device(const SensorChannel& c) { return c.boundary == "board"; }

/// Most of the energy of a run for which a device may have failed to tell whose it was.
constexpr double most_untold = 0.05;

/// Shares by reading, where a device did not tell those of an interval the mean of the others; empty if it told too
/// little.
std::vector<double> filled(const Timeline& timeline, const std::vector<double>& joules, std::vector<double> told) {
  double told_J = 0.0, ours_J = 0.0, untold_J = 0.0;
  const auto intervals = told.empty() ? std::vector<SlowInterval>{} : slow_intervals(timeline);
  for (const SlowInterval& i : intervals) {
    const double energy_J = joules[i.last] - joules[i.first];
    const bool known = std::isfinite(told[i.last]);
    (known ? told_J : untold_J) += energy_J;
    if (known) ours_J += energy_J * told[i.last];
  }
  if (!(untold_J <= most_untold * (told_J + untold_J))) return {};
  for (const SlowInterval& i : intervals)
    if (!std::isfinite(told[i.last])) told[i.last] = told_J > 0.0 ? ours_J / told_J : 0.0;
  return told;
}

IdlePower idle_of(const SensorChannel& c, const Timeline& timeline, const ChannelReadings& read,
                  const Machine& machine) {
  if (auto measured = measured_idle(read.idle, is_device(c) ? 0 : machine.logical_cpus, c.update_period_s))
    return *measured;
  if (is_device(c)) return guess_device_idle(timeline, read.joules, c.update_period_s);
  return guess_idle(timeline, read.joules, machine.logical_cpus, c.update_period_s);
}

}  // namespace

double allotted_share(const Machine& m) {
  const bool fewer = m.cpu_quota > 0.0 && m.logical_cpus > 0 && m.cpu_quota < 0.995 * m.logical_cpus;
  return fewer ? m.cpu_quota / m.logical_cpus : std::numeric_limits<double>::quiet_NaN();
}

EnergySource sensor_source(const EnergySensor& sensor, std::size_t channel, const Timeline& timeline,
                           const ChannelReadings& read, const Machine& machine, const RunIdentity& identity) {
  const SensorChannel& c = sensor.channels()[channel];
  const std::vector<double> told = filled(timeline, read.joules, read.told);
  const bool device_told = !told.empty();
  const IdlePower idle = idle_of(c, timeline, read, machine);
  const double allotted = allotted_share(machine);
  Shares shares = share_out(timeline, read.joules, allotted, told);
  double busy_s = 0.0;
  for (const SlowInterval& i : slow_intervals(timeline)) busy_s += i.machine_busy_s;

  EnergySource s;
  s.sensor = sensor.name();
  s.boundary = c.boundary;
  s.idle_W = idle.watts;
  s.note = idle.note;
  if (const std::string how = resolve_phases(timeline, read.joules, c, idle.watts, device_told, shares); !how.empty())
    s.note += "; " + how;
  // Whose work a device did is not seen in CPU time.
  if (is_device(c) && !device_told)
    s.unknown_tree = fmt::format("the {} does not tell whose programs used it: between 0 J and the machine's {:.4g} J",
                                 c.boundary, shares.machine_J);
  s.run = shares.run;
  s.rest = shares.rest();
  s.rest->resolution_J = shares.machine_J > 0.0 ? s.run.resolution_J * s.rest->energy_J / shares.machine_J : 0.0;
  s.machine_J = shares.machine_J;
  set_formulas(s, shares, allotted, device_told);

  auto uncertainty = std::make_shared<SensorUncertainty>(sensor, channel, machine, identity);
  uncertainty->set_idle(idle);
  uncertainty->set_load(shares.wall_s > 0.0 ? busy_s / (shares.wall_s * std::max(machine.logical_cpus, 1)) : 0.0);
  uncertainty->set_unseen(read.spread, shares.wall_s, shares.machine_J);
  s.machine_components =
      uncertainty->of_machine(shares.wall_s, machine_resolution_J(timeline, read.joules, c, idle.watts));
  s.components = [uncertainty](const Parts& p, Rule rule) { return uncertainty->components(p, rule); };
  s.phases = std::move(shares.phases);
  s.steps = std::move(shares.steps);
  s.machine_J_steps = std::move(shares.machine_J_steps);
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
  if (!s.unknown_tree.empty()) return out;
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
  if (s.unknown_tree.empty()) {
    add_both_rules(s, "process-tree", s.run, run.energy);
    EnergyFigure &attributed = run.energy.back(), &marginal = run.energy[run.energy.size() - 2];
    marginal.note = joined_note(s.marginal_formula, s.note);
    attributed.note = joined_note(s.attributed_formula, s.note);
  } else {
    add_unknown(s, "process-tree", s.unknown_tree, run.energy);
  }
  if (s.machine_J) run.energy.push_back(figure_of(s, "machine", "", *s.machine_J, s.machine_components));
  if (s.rest && s.unknown_tree.empty()) {
    run.energy.push_back(figure_of(s, "unattributed", "attributed", s.rest->attributed_J(s.idle_W),
                                   s.components(*s.rest, Rule::Attributed)));
    run.energy.back().note = "what the machine used and the program did not: machine − attributed";
  }
  for (PhaseRecord& phase : run.phases) {
    const auto name = names.find(phase.name);
    const auto parts = name == names.end() ? s.phases.end() : s.phases.find(name->second);
    add_phase(s, phase, parts == s.phases.end() ? nullptr : &parts->second);
  }
}

}  // namespace haywatt::meter
