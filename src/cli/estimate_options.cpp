#include "cli/estimate_options.hpp"

#include <cmath>

#include "haywatt/base/error.hpp"

namespace haywatt::cli {

void add_estimate_options(CLI::App& command, meter::EstimateOptions& options) {
  command.add_option("--tdp", options.tdp_W, "For the estimate: thermal design power of one CPU package")
      ->type_name("W");
  command.add_option("--idle-watts", options.idle_W, "For the estimate: the whole machine when idle, at the wall")
      ->type_name("W");
}

void check_watts(const meter::EstimateOptions& options) {
  for (const auto& watts : {options.tdp_W, options.idle_W})
    if (watts && !(std::isfinite(*watts) && *watts > 0.0)) fail_usage("--tdp and --idle-watts take watts above 0");
}

}  // namespace haywatt::cli
