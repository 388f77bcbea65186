/// The estimate where no sensor can be read. Formulas, factors and what they are worth: docs/energy.md.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "haywatt/base/error.hpp"
#include "meter/estimate_parts.hpp"
#include "meter/server_model.hpp"

namespace haywatt::meter {
namespace {

/// Of workload_u(), how much two programs on one machine do not share was not found; a factor 1.3 is our declared
/// guess, the rest belongs to the machine and cancels.
const double u_method = std::log(1.3) / 1.96;

/// Load of the host that a guest cannot see: its first busy cores cost 1.75 times the mean, the middle ones 0.65.
const double u_host_load = std::log(1.75 / 0.65) / (2.0 * 1.96);

/// E = n T w_idle + sum t w_busy: linear, so every phase's part follows from its own seconds.
EnergySource virtual_machine_estimate(const Timeline& timeline, const Machine& machine, const RunIdentity& who) {
  const ThreadPower power = thread_power(machine);
  const double allotted = allotted_share(machine);
  const double cpus = std::max(machine.logical_cpus, 1), used_cpus = std::isnan(allotted) ? cpus : allotted * cpus;
  EnergySource s;
  s.tier = "VM";
  s.note = fmt::format("{}; per hardware thread of \"{}\": {:.2f} W idle + {:.2f} W busy", caution, power.group,
                       power.idle_W, power.busy_W);
  s.idle_W = power.idle_W;
  for (const Slice& slice : timeline.slices) {
    Parts step;
    for (const PhaseUse& u : slice) {
      const Parts p{u.cpu_ns * 1e-9 * power.busy_W, 0.0, u.wall_ns * 1e-9 * used_cpus};
      step += p;
      s.phases[u.phase] += p;
    }
    s.run += step;
    s.steps.push_back(step);
  }
  s.components = [power, who](const Parts& p, Rule rule) {
    const double idle_J = rule == Rule::Attributed ? power.idle_W * p.idle_s : 0.0, all_J = p.energy_J + idle_J;
    const double busy = all_J > 0.0 ? p.energy_J / all_J : 1.0;
    std::vector<Component> list = {model_part("model, busy", busy * power.u_busy, "estimate-VM-busy:" + who.machine),
                                   model_part("host load", busy * u_host_load, "estimate-VM-host-load:" + who.machine)};
    if (idle_J > 0.0)
      list.push_back(model_part("model, idle", (1.0 - busy) * power.u_idle, "estimate-VM-idle:" + who.machine));
    add_workload(list, who, busy);
    return list;
  };
  Parts all;
  for (const SlowInterval& i : slow_intervals(timeline)) {
    const Parts second{i.machine_busy_s * power.busy_W, 0.0, i.wall_s * cpus};
    all += second;
    for (std::size_t slice = i.first; slice < i.last; ++slice)
      s.machine_J_steps.push_back(second.attributed_J(s.idle_W) * part_of(i, timeline, slice));
  }
  s.machine_J = all.attributed_J(s.idle_W);
  s.rest = Parts{all.energy_J - s.run.energy_J, 0.0, all.idle_s - s.run.idle_s};
  s.machine_components = s.components(all, Rule::Attributed);
  return s;
}

/// Standard uncertainties over the loads of a run: all of it is the same model, so they add up linearly.
struct LoadUncertainty {
  double u_dynamic = 0.0, correlation = 0.0;
};

/// Of idle power and what is above it, as independent components: their joint spread by Cholesky.
std::vector<Component> model_parts(const ServerModel& model, const LoadUncertainty& over, double dynamic_share,
                                   const RunIdentity& who) {
  const double rho = std::clamp(over.correlation, -1.0, 1.0), above = dynamic_share * over.u_dynamic;
  const double shared = (1.0 - dynamic_share) * model.spread.u_idle + rho * above;
  std::vector<Component> list = {
      model_part("model", above * std::sqrt(1.0 - rho * rho), "estimate-" + model.tier + ":" + who.machine),
      model_part("model, idle", shared, "estimate-" + model.tier + "-idle:" + who.machine)};
  add_workload(list, who, dynamic_share);
  return list;
}

/// E = integral of P(u): the server model stands in for a sensor that is read at the slow readings.
EnergySource bare_metal_estimate(const Timeline& timeline, const Machine& machine, const ServerModel& model,
                                 const RunIdentity& who) {
  LoadUncertainty over;
  double dynamic_J = 0.0;
  const auto joules = integrate(timeline, machine, [&](double load, double wall_s) {
    const double above_J = model.dynamic_W(load) * wall_s;
    over.u_dynamic += above_J * at_load(model.spread.u_dynamic, load);
    over.correlation += above_J * at_load(model.spread.correlation, load);
    dynamic_J += above_J;
    return model.watts(load);
  });
  over.u_dynamic = dynamic_J > 0.0 ? over.u_dynamic / dynamic_J : model.spread.u_dynamic[0];
  over.correlation = dynamic_J > 0.0 ? over.correlation / dynamic_J : model.spread.correlation[0];
  Shares shares = share_out(timeline, joules, allotted_share(machine));
  EnergySource s = source_of(shares, model.idle_W);
  s.tier = model.tier;
  s.note = fmt::format("{}; from {}: whole server {:.0f} W idle, {:.0f} W full", caution, model.basis, model.idle_W,
                       model.full_W);
  s.components = [model, over, who](const Parts& p, Rule rule) {
    const double marginal_J = p.marginal_J(model.idle_W), all_J = p.attributed_J(model.idle_W);
    const double above = rule == Rule::Marginal ? 1.0 : all_J > 0.0 ? std::clamp(marginal_J / all_J, 0.0, 1.0) : 0.0;
    return model_parts(model, over, above, who);
  };
  s.machine_components = model_parts(model, over, shares.machine_J > 0.0 ? dynamic_J / shares.machine_J : 0.0, who);
  return s;
}

}  // namespace

Component model_part(const char* name, double u_rel, std::string id) {
  return {name, 'B', u_rel, 0.0, {CorrelationKind::Model, std::move(id)}};
}

void add_workload(std::vector<Component>& list, const RunIdentity& who, double weight) {
  const double u_machine = std::sqrt(std::max(workload_u() * workload_u() - u_method * u_method, 0.0));
  list.push_back(model_part("workload on this machine", weight * u_machine, "workload:" + who.machine));
  list.push_back(
      model_part("workload of this method", weight * u_method, "workload:" + who.machine + ":" + who.method));
}

std::vector<double> integrate(const Timeline& timeline, const Machine& machine,
                              const std::function<double(double load, double wall_s)>& power) {
  std::vector<double> joules(timeline.readings.size(), 0.0);
  for (const SlowInterval& i : slow_intervals(timeline)) {
    const double load = i.wall_s > 0.0 ? i.machine_busy_s / (i.wall_s * std::max(machine.logical_cpus, 1)) : 0.0;
    const double watts = power(load, i.wall_s), before = joules[i.first];
    const std::int64_t start_ns = timeline.readings[i.first].wall_ns;
    for (std::size_t r = i.first + 1; r <= i.last; ++r)
      joules[r] = before + watts * static_cast<double>(timeline.readings[r].wall_ns - start_ns) * 1e-9;
  }
  return joules;
}

EnergySource source_of(Shares& shares, double idle_W) {
  EnergySource s;
  s.idle_W = idle_W;
  s.run = shares.run;
  s.phases = std::move(shares.phases);
  s.machine_J = shares.machine_J;
  s.rest = shares.rest();
  s.steps = std::move(shares.steps);
  s.machine_J_steps = std::move(shares.machine_J_steps);
  return s;
}

void check_estimate_options(const EstimateOptions& options, const Machine& machine) {
  if (machine.virtual_machine && (options.tdp_W || options.idle_W))
    fail_unavailable(
        "--tdp and --idle-watts describe a whole machine, and this is a virtual one: its estimate goes by hardware "
        "thread "
        "(docs/energy.md)");
}

EnergySource estimate_source(const Timeline& timeline, const Machine& machine, const EstimateOptions& known,
                             const RunIdentity& identity) {
  EnergySource s;
  std::string fault;
  std::optional<Calibration> calibration;
  try {
    calibration = load_calibration(calibration_path(machine), machine);
  } catch (const Error& e) {
    if (e.kind() == ErrorKind::BadInput) fault = e.what();
  }
  if (calibration)
    s = calibrated_estimate(timeline, machine, *calibration, identity);
  else if (machine.virtual_machine)
    s = virtual_machine_estimate(timeline, machine, identity);
  else
    s = bare_metal_estimate(timeline, machine, server_model(machine, known), identity);
  s.sensor = "estimate";
  s.boundary = "wall";
  if (calibration && (known.tdp_W || known.idle_W)) s.note += "; the calibration stands above --tdp and --idle-watts";
  if (!fault.empty()) s.note += "; " + fault;
  return s;
}

}  // namespace haywatt::meter
