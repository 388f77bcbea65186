/// What `haywatt profile -- CMD` prints on standard error.
#pragma once
#include <string>
#include <vector>

#include "haywatt/record/profile.hpp"

namespace haywatt::cli {

/// `files`: what was written. `verbose`: more rows, and the processes.
[[nodiscard]] std::string profile_program_summary(const ProfileRecord& record, const std::vector<std::string>& files,
                                                  bool verbose);

}  // namespace haywatt::cli
