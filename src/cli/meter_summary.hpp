/// What `haywatt meter` prints on standard error.
#pragma once
#include <string>

#include "haywatt/record/record.hpp"

namespace haywatt::cli {

/// `output`: where the record was written, or empty.
[[nodiscard]] std::string meter_summary(const RunRecord& run, const std::string& output);

}  // namespace haywatt::cli
