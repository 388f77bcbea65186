/// Constants that turn joules and bytes into years and grams, each with its interval and its source.
///
/// The values are those of data/energy/defaults.csv, whose `source` column is repeated here. An interval low..high is
/// taken as the 95 % interval of a log-normal factor: u(ln value) = ln(high/low) / (2 * 1.96).
#pragma once
#include <string>
#include <vector>

#include "haywatt/record/figure.hpp"

namespace haywatt::metrics {

/// A number that nobody measured here. `low` = `high` = `value` means: taken as exact.
struct Constant {
  std::string key;
  double value = 0.0, low = 0.0, high = 0.0;
  std::string unit;
  std::string source;
  CorrelationKind kind = CorrelationKind::Model;  ///< what figures made with it share

  /// As a figure in `unit`, times `factor`; its one component is correlated with every other use of this constant.
  [[nodiscard]] Figure figure(double factor, std::string unit_of_result) const;
};

/// Electricity of keeping one terabyte on hard disks, drives only: 0.65 Wh/(TB h).
[[nodiscard]] const Constant& storage_power();
/// Copies a site keeps of each file.
[[nodiscard]] const Constant& storage_replicas();
/// Electricity at the meter of the building over electricity of the machines.
[[nodiscard]] const Constant& power_usage_effectiveness();
/// Electricity of moving a gigabyte between data centres.
[[nodiscard]] const Constant& network_energy();
/// Emissions of making the disks, spread over their life.
[[nodiscard]] const Constant& storage_embodied();
/// Emissions of electricity, world average of 2019: flagged wherever shown, because the user's grid is better known.
[[nodiscard]] const Constant& grid_intensity();

/// All of the above, in the order a report lists them.
[[nodiscard]] std::vector<Constant> all_constants();

inline constexpr double hours_per_year = 8766.0;  ///< 365.25 days
inline constexpr double joules_per_kWh = 3.6e6;

}  // namespace haywatt::metrics
