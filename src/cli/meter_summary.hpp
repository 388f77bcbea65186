/// What `haywatt meter` prints on standard error.
#pragma once
#include <string>

#include "haywatt/record/record.hpp"

namespace haywatt::cli {

/// `output`: where the record goes, or empty. `verbose`: with the processes of the tree.
[[nodiscard]] std::string meter_summary(const RunRecord& run, const std::string& output, bool verbose);

}  // namespace haywatt::cli
