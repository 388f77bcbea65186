/// What the page's charts draw, reduced to what is drawn: the whole is held under about 1.7 MB for any study.
#pragma once
#include <nlohmann/json_fwd.hpp>

#include "haywatt/metrics/summary.hpp"

namespace haywatt::report {

/// Keys: "rows" (Pareto), "phases", "runs" (time series), "columns" and "fidelity" (distributions),
/// "columnsLeftOut" (how many columns are not drawn). See assets/charts.js.
[[nodiscard]] nlohmann::json chart_data(const metrics::Summary& summary);

}  // namespace haywatt::report
