/// From runs of A and of B to ratios, differences by phase and verdicts. Pure functions.
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "haywatt/experiment/compare.hpp"
#include "haywatt/metrics/paired.hpp"

namespace haywatt::experiment {

/// The counted runs. In pairs: a[i] and b[i] ran one after the other.
struct RunSets {
  std::vector<const RunRecord*> a, b;
  bool paired = true;
  double level = 0.95;  ///< nominal level of the interval from the scatter
};

/// A quantity of a run; what ComparedMetric is about.
struct Quantity {
  std::string name, unit, sensor, boundary, rule, tier;
};

/// Every quantity of which a ratio can be wanted: energies (measured before estimated, wide boundaries first), CPU
/// time, wall time, peak memory.
[[nodiscard]] std::vector<Quantity> quantities_of(const RunSets& runs);

/// Its value in a run, with components; nothing where the run does not know it.
[[nodiscard]] std::optional<Figure> value_in(const RunRecord& run, const Quantity& quantity);

/// Which of the quantities decides, and why. Error(Unavailable) if the asked one is not known in every run.
[[nodiscard]] std::pair<std::size_t, std::string> choose_deciding(const std::vector<Quantity>& quantities,
                                                                  const RunSets& runs, CompareOn on);

/// Centre and interval of ln(B/A) from the scatter of runs alone. Nothing where a value is missing or not positive.
[[nodiscard]] std::optional<metrics::Estimate> scatter_of(const RunSets& runs, const Quantity& quantity);

/// Of at least one value.
[[nodiscard]] double median_of(std::vector<double> values);

[[nodiscard]] ComparedMetric compare_metric(const RunSets& runs, const Quantity& quantity);

/// Fills phases, total and cause of `record` for its deciding quantity.
void compare_phases(const RunSets& runs, const Quantity& deciding, ComparisonRecord& record);

/// Fills metrics, deciding, phases, worse and notes of `record` from its runs. `level` as RunSets.
void conclude(ComparisonRecord& record, CompareOn on, double level);

}  // namespace haywatt::experiment
