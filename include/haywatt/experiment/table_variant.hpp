/// The same table in other sizes and float types, to see what depends on them.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "haywatt/data/column.hpp"

namespace haywatt::experiment {

struct TableVariant {
  std::uint64_t base = 0;           ///< of the source, this many first rows are used; 0: all
  std::uint64_t rows = 0;           ///< they are repeated until there are so many, or cut; 0: as many as `base`
  std::optional<DType> float_type;  ///< of all float columns; nothing: as they are
};

/// Writes it to `target`, replacing what is there; the kind of file is that of the name. Error(Usage) for a table whose
/// columns do not all have the same number of rows, with fewer rows than `base`, or without any; for `float_type` where
/// the source is a CSV file, whose digits have no type.
void write_variant(const std::string& source, const TableVariant& variant, const std::string& target);

}  // namespace haywatt::experiment
