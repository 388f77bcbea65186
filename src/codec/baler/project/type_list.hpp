/// Baler's type_list: what a decompressed column is cast to before it is stored as a float again.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace haywatt::baler {

struct ColumnCast {
  enum class Kind : std::uint8_t { Float, Int, UInt, Bool };
  Kind kind = Kind::Float;
  std::uint8_t bytes = 8;
};

/// numpy's names: "int", "int8", "uint16", "float32", "bool", …; nothing for others.
[[nodiscard]] std::optional<ColumnCast> column_cast(std::string_view numpy_name);

/// astype() as numpy does on x86-64: towards zero, and outside the type what the CPU's conversion leaves.
[[nodiscard]] double cast_as_numpy(const ColumnCast& cast, double value);
/// What is meant: the nearest value of the type (ties to even), clamped to its range. NaN stays NaN.
[[nodiscard]] double cast_nearest(const ColumnCast& cast, double value);

}  // namespace haywatt::baler
