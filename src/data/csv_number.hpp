/// Numbers as they stand in CSV files. Independent of the locale.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "haywatt/data/column.hpp"

namespace haywatt::data {

[[nodiscard]] std::string_view trim_blanks(std::string_view s) noexcept;

/// A whole number in the range of int64, with an optional sign. "-0" is none: only a float keeps its sign.
[[nodiscard]] std::optional<std::int64_t> parse_whole(std::string_view trimmed) noexcept;
/// A decimal number, "nan" or "inf" in any case, or nothing at all, which is NaN. None for anything else, and for
/// numbers whose magnitude float64 cannot hold.
[[nodiscard]] std::optional<double> parse_real(std::string_view trimmed) noexcept;

/// Appends one value of `type` (little-endian at `value`): the fewest digits that read back as the same value of this
/// type; whole floats keep a ".0" so that they read back as floats; bool as 0 or 1; NaN as `nan`.
void append_number(std::string& out, const DType& type, const std::byte* value, std::string_view nan);

}  // namespace haywatt::data
