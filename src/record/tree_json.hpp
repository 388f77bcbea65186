/// JSON of a metered program's process tree.
#pragma once
#include <nlohmann/json.hpp>
#include <optional>

#include "haywatt/record/record.hpp"

namespace haywatt::record {

[[nodiscard]] nlohmann::json tree_json(const TreeRecord& tree);
/// The member "tree" of `parent`, if it is there.
void read_tree(const nlohmann::json& parent, std::optional<TreeRecord>& tree);

}  // namespace haywatt::record
