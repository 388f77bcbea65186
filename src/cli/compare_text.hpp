/// A comparison in words and a table, for people.
#pragma once
#include <string>

#include "haywatt/record/compare.hpp"

namespace haywatt::cli {

/// All of it; ends with a newline. Needs at least one metric.
[[nodiscard]] std::string comparison_text(const ComparisonRecord& record);

/// One line on whether B is worse: what --fail-if-worse says.
[[nodiscard]] std::string check_text(const ComparisonRecord& record);

}  // namespace haywatt::cli
