/// The chart of a ladder as inline SVG: a bar a rung, seconds beside joules, on logarithmic scales.
#pragma once
#include <string>
#include <vector>

#include "report/ladder_view.hpp"

namespace haywatt::report {

/// Of rows with figures; empty if there are none. `title` is what a screen reader says.
[[nodiscard]] std::string ladder_chart(const std::vector<LadderRow>& rows, const std::string& title);
/// What the colours mean, of those that occur.
[[nodiscard]] std::string ladder_legend(const LadderRecord& record);

}  // namespace haywatt::report
