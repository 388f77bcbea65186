/// The HEAD section: HayHeader as JSON.
#pragma once
#include <nlohmann/json.hpp>

#include "haywatt/codec/hay_file.hpp"

namespace haywatt {

[[nodiscard]] nlohmann::json header_to_json(const HayHeader& header);
/// Error(BadInput) on anything missing or absurd.
[[nodiscard]] HayHeader header_from_json(const nlohmann::json& j);

}  // namespace haywatt
