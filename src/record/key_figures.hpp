/// The figures of a run that comparisons and ladders keep: identity, time, memory, energy, phases.
#pragma once
#include <nlohmann/json_fwd.hpp>

#include "haywatt/record/record.hpp"

namespace haywatt::record {

[[nodiscard]] nlohmann::json key_figures_json(const RunRecord& run);
void read_key_figures(const nlohmann::json& j, RunRecord& run);

}  // namespace haywatt::record
