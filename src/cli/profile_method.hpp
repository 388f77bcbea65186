/// The part of `haywatt profile` that profiles a method on a table by its operators.
#pragma once
#include <string>
#include <vector>

#include "haywatt/meter/estimate.hpp"
#include "haywatt/record/profile.hpp"

namespace haywatt::cli {

struct ProfileMethodArguments {
  std::string method, data, memory = "1G";
  std::vector<std::string> bounds;
  int threads = 1;
  meter::EstimateOptions estimate;
};

/// Compresses the table with the method, reads it back and decodes it, as `haywatt study` does. Error(Usage) for an
/// unknown method or bound, Error(BadInput) for a table that cannot be read; a run that fails later gives what was
/// seen.
[[nodiscard]] ProfileRecord profile_method(const ProfileMethodArguments& arguments);

}  // namespace haywatt::cli
