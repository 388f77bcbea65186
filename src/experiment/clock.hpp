/// The two clocks of a study.
#pragma once
#include <string>

namespace haywatt::experiment {

[[nodiscard]] double monotonic_s();   ///< CLOCK_MONOTONIC, seconds
[[nodiscard]] std::string utc_now();  ///< "2024-05-01T12:00:00Z"

}  // namespace haywatt::experiment
