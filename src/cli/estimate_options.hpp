/// --tdp and --idle-watts, the same for every command that meters.
#pragma once
#include <CLI/CLI.hpp>

#include "haywatt/meter/estimate.hpp"

namespace haywatt::cli {

/// `options` must outlive the parsing.
void add_estimate_options(CLI::App& command, meter::EstimateOptions& options);
/// Error(Usage) for values that are no watts.
void check_watts(const meter::EstimateOptions& options);

}  // namespace haywatt::cli
