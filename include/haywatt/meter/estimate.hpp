/// What a user knows of a machine and the estimate does not (docs/energy.md).
#pragma once
#include <optional>
#include <string>

namespace haywatt::meter {

struct EstimateOptions {
  std::optional<double> tdp_W;   ///< of one CPU package
  std::optional<double> idle_W;  ///< of the whole machine at the wall
};

}  // namespace haywatt::meter
