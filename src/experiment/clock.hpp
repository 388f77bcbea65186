/// The clocks of a study.
#pragma once
#include "haywatt/base/text.hpp"  // utc_now

namespace haywatt::experiment {

[[nodiscard]] double monotonic_s();  ///< CLOCK_MONOTONIC, seconds

}  // namespace haywatt::experiment
