/// Tables on their way to a program and back.
#pragma once
#include <memory>
#include <string>

#include "haywatt/data/table_io.hpp"
#include "haywatt/experiment/external.hpp"

namespace haywatt::experiment {

/// ".npz", ".npy", ".f4", ".f8", ".csv".
[[nodiscard]] std::string suffix_of(TableForm form);

/// Empty if a table can be handed over so; else why not.
[[nodiscard]] std::string cannot_hand_over(const Schema& schema, TableForm form);

/// Writes `table` to `path`. A table that lies in the same form at `source` is copied as it is.
void hand_over(const TableReader& table, const std::string& source, TableForm form, const std::string& path);

/// What a program decoded, as a table like `original`: the same columns in the same order, values converted to their
/// types (nearest; what an integer cannot hold becomes 0 or its limit). Error(BadInput) if it cannot be read or has
/// another number of rows or values a row. `conversion` says in which types it came if they are others; else empty.
[[nodiscard]] std::unique_ptr<TableReader> take_back(const std::string& path, TableForm form, const Schema& original,
                                                     std::uint64_t memory_B, std::string& conversion);

}  // namespace haywatt::experiment
