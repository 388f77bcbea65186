/// Columns of a table: what a value is, and a run of rows of them in memory.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "haywatt/base/bytes.hpp"

namespace haywatt {

enum class ScalarKind : std::uint8_t { Bool, Int, UInt, Float };

/// A real numeric type: f2 f4 f8, i1..i8, u1..u8, bool (1 byte).
struct DType {
  ScalarKind kind = ScalarKind::Float;
  std::uint8_t size = 8;    ///< bytes of one value
  bool big_endian = false;  ///< byte order in the source; values in memory are always little-endian

  /// "f4", "i8", "u2", "b1"; without byte order.
  [[nodiscard]] std::string name() const;
  /// Inverse of name(); Error(BadInput) for anything else.
  static DType parse(const std::string& name);
  [[nodiscard]] bool is_float() const { return kind == ScalarKind::Float; }
  friend bool operator==(const DType&, const DType&) = default;
};

/// Flat: one value a row. FixedShape: an array of the same shape each row. Jagged: a list of any length each row.
enum class Layout : std::uint8_t { Flat, FixedShape, Jagged };

struct ColumnInfo {
  std::string name;  ///< need not be unique
  DType dtype;
  Layout layout = Layout::Flat;
  std::uint64_t rows = 0;
  std::vector<std::uint64_t> inner_shape;  ///< FixedShape only: the shape of one row's value
  std::uint32_t source_array = 0;          ///< index into Schema::arrays
  std::uint32_t source_column = 0;         ///< which column of a 2-D table array

  /// Product of inner_shape (1 when flat or jagged). Checked against overflow when a schema is made.
  [[nodiscard]] std::uint64_t values_per_row() const;
};

/// Rows of one column in memory, little-endian, C order.
struct ColumnData {
  std::uint64_t rows = 0;
  ByteVector values;                   ///< Flat/FixedShape: rows * values_per_row * size bytes
  std::vector<std::uint64_t> offsets;  ///< Jagged only: rows + 1 value indices, starting at 0

  [[nodiscard]] std::uint64_t value_count(const DType& t) const { return values.size() / t.size; }
};

/// Consecutive rows of all columns: rows [first_row, first_row + rows) of each, clipped to the column's own length
/// (columns may differ in length, so a column of a chunk may have fewer rows, or none).
struct Chunk {
  std::uint64_t first_row = 0;
  std::uint64_t rows = 0;
  std::vector<ColumnData> columns;  ///< one per Schema::columns, same order; unwanted ones are left empty
};

}  // namespace haywatt
