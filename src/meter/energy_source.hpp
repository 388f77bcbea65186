/// From joules to energy figures: one source (a channel of a sensor, or the estimate) gives the figures of the run, of
/// its phases and of the machine, by both rules.
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "haywatt/meter/energy_sensor.hpp"
#include "haywatt/meter/estimate.hpp"
#include "haywatt/record/record.hpp"
#include "meter/attribution.hpp"
#include "meter/readings.hpp"

namespace haywatt::meter {

enum class Rule { Marginal, Attributed };

struct EnergySource {
  std::string sensor, boundary, tier, note;
  std::string marginal_formula, attributed_formula;  ///< with the run's numbers, on one line
  std::string unknown_tree;  ///< why the joules of the run and its phases cannot be told from the machine's; else empty
  double idle_W = 0.0;
  Parts run;
  std::map<PhaseId, Parts> phases;
  std::vector<Parts> steps;             ///< of the run, by slice of the timeline
  std::vector<double> machine_J_steps;  ///< likewise
  std::optional<double> machine_J;
  std::optional<Parts> rest;  ///< what of the machine is not the run's
  std::vector<Component> machine_components;
  /// Uncertainty of a part by a rule.
  std::function<std::vector<Component>(const Parts&, Rule)> components;
};

/// What the correlation ids of a run are made of.
struct RunIdentity {
  std::string machine;  ///< Machine::id
  std::string run;      ///< of this run alone
  std::string method;   ///< shared by all runs of one method; the run's id if there is none
};

/// What was read of a channel.
struct ChannelReadings {
  const std::vector<double>& joules;    ///< cumulative, by reading
  const std::vector<double>& told;      ///< Readings::told_shares
  const std::vector<IdleSecond>& idle;  ///< Readings::idle_seconds
  const PowerSpread& spread;
};

/// A channel that can be trusted.
[[nodiscard]] EnergySource sensor_source(const EnergySensor& sensor, std::size_t channel, const Timeline& timeline,
                                         const ChannelReadings& read, const Machine& machine,
                                         const RunIdentity& identity);
/// A channel that cannot: known = false, no joules.
[[nodiscard]] EnergyFigure unknown_figure(const EnergySensor& sensor, std::size_t channel, const std::string& fault);

/// The estimate for this machine: tier calibrated where it was, else VM, T1, T2b, T2c, T3a or T3b.
[[nodiscard]] EnergySource estimate_source(const Timeline& timeline, const Machine& machine,
                                           const EstimateOptions& known, const RunIdentity& identity);

/// Adds the source's figures to the run and to its phases; `names` gives the phases' numbers. A phase that the counter
/// cannot resolve gets figures that are not known.
void add_figures(const EnergySource& source, const std::map<std::string, PhaseId>& names, RunRecord& run);

/// Power over time of the run by both rules, and of the machine: at most `most` stretches, whose integrals are the
/// joules of add_figures.
[[nodiscard]] std::vector<PowerSeries> power_series(const EnergySource& source, const Timeline& timeline,
                                                    std::size_t most);

/// CPUs allotted to this process over CPUs present, NaN where neither a quota nor affinity allots fewer.
[[nodiscard]] double allotted_share(const Machine& machine);

}  // namespace haywatt::meter
