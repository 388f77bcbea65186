/// Rows of one array between its place on disk (C or Fortran order, either byte order) and columns in memory.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "data/byte_source.hpp"
#include "haywatt/data/schema.hpp"

namespace haywatt::data {

/// How an array of numbers lies on disk.
struct ArrayPlace {
  std::uint64_t offset = 0;  ///< of the first value
  std::uint64_t rows = 0;
  std::vector<std::uint64_t> inner_shape;  ///< {columns} for a Table, {} for a Column
  bool table = false;                      ///< one ColumnData a column instead of one for all
  bool fortran_order = false;
  DType dtype;

  [[nodiscard]] std::uint64_t values_per_row() const;
  [[nodiscard]] std::uint64_t row_bytes() const { return values_per_row() * dtype.size; }
};

/// The place of a Table, Column or Field array whose first value is at `offset`.
[[nodiscard]] ArrayPlace place_of(const SourceArray& array, const DType& dtype, std::uint64_t offset);

/// Rows [first, first + rows), which must exist. `to` holds one pointer a column for a Table, else one; each column's
/// rows and values are set.
void read_rows(const ByteSource& source, const ArrayPlace& place, std::uint64_t first, std::uint64_t rows,
               std::span<ColumnData* const> to);

/// Receives the bytes of consecutive rows of one array and puts them at their place in a file. Keeps the CRC-32 of
/// everything written, as if it had been written in file order.
class RowWriter {
 public:
  explicit RowWriter(ArrayPlace place);
  /// Where the first value goes; before the first write().
  void set_offset(std::uint64_t offset) { place_.offset = offset; }
  /// The next rows; `from` as in read_rows, with the same number of rows in each.
  void write(AtomicFile& file, std::span<const ColumnData* const> from);
  [[nodiscard]] std::uint64_t rows_written() const { return next_row_; }
  [[nodiscard]] const ArrayPlace& place() const { return place_; }
  /// `seed` is the CRC of what precedes the values (the header). Only when all rows are written.
  [[nodiscard]] std::uint32_t crc(std::uint32_t seed) const;

 private:
  void write_c_order(AtomicFile& file, std::span<const ColumnData* const> from, std::uint64_t rows);
  void write_fortran_order(AtomicFile& file, std::span<const ColumnData* const> from, std::uint64_t rows);
  ArrayPlace place_;
  std::uint64_t next_row_ = 0;
  std::vector<std::uint32_t> crcs_;  ///< C order: one; Fortran order: one for each run along axis 0
};

}  // namespace haywatt::data
