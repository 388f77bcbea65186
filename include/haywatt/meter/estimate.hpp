/// What a user knows of a machine and the estimate does not (docs/energy.md).
#pragma once
#include <optional>
#include <string>

#include "haywatt/record/machine.hpp"

namespace haywatt::meter {

struct EstimateOptions {
  std::optional<double> tdp_W;   ///< of one CPU package
  std::optional<double> idle_W;  ///< of the whole machine at the wall
};

/// Error(Unavailable) if something is given that says nothing of this machine: a guest's power is not its host's.
void check_estimate_options(const EstimateOptions& options, const Machine& machine);

}  // namespace haywatt::meter
