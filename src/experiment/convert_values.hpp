/// Values from one type to another.
#pragma once
#include "haywatt/data/column.hpp"

namespace haywatt::experiment {

/// Little-endian values of type `from` as values of type `to`: unchanged where both are the same, else through double,
/// to the nearest. Integers take what they cannot hold as their limit, and NaN as 0; a bool is true for all but 0.
[[nodiscard]] ByteVector convert_values(const DType& from, ByteSpan values, const DType& to);

}  // namespace haywatt::experiment
