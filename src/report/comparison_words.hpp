/// What a comparison says, in plain words; not escaped.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "haywatt/record/compare.hpp"

namespace haywatt::report {

/// "wall time", "CPU time", "energy (estimate VM, wall, marginal)", …
[[nodiscard]] std::string metric_name(const ComparedMetric& metric);
[[nodiscard]] std::string short_metric_name(const ComparedMetric& metric);

/// "0.730", "more than 0.999"
[[nodiscard]] std::string probability(double p);

/// One or more sentences on one metric: the ratio, and whether it can be told.
[[nodiscard]] std::string metric_sentence(const ComparedMetric& metric);

/// A subject and its sentences: "Verdict", "Limit", "Cause", "Others", "Pairs".
[[nodiscard]] std::vector<std::pair<std::string, std::vector<std::string>>> comparison_headline(
    const ComparisonRecord& record);

/// The value of `metric` in one run; NaN if it is not known there.
[[nodiscard]] double metric_value(const ComparedMetric& metric, const RunRecord& run);

}  // namespace haywatt::report
