/// One pass over a table: what bounds and codecs need to know of each column. Also error statistics of decoded values.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "haywatt/data/table_io.hpp"

namespace haywatt {

struct ColumnStatistics {
  std::uint64_t values = 0;
  std::uint64_t finite = 0;
  double minimum = 0.0;  ///< over finite values; 0 when there are none
  double maximum = 0.0;
  bool whole_numbers = true;  ///< every value is finite and whole (true for integer columns)
};

/// Reads the whole table once, in chunks of `chunk_rows`.
[[nodiscard]] std::vector<ColumnStatistics> scan_statistics(const TableReader& reader, std::uint64_t chunk_rows);
/// Adds the values of one chunk's column to `statistics`.
void accumulate(ColumnStatistics& statistics, const DType& type, const ColumnData& data);

/// How far decoded values lie from the originals, over values finite in both.
struct ErrorStatistics {
  std::uint64_t values = 0;
  std::uint64_t exact = 0;       ///< bit-identical
  std::uint64_t violations = 0;  ///< outside the bound
  std::uint64_t not_finite = 0;  ///< values where either side is NaN or infinite
  double max_abs = 0.0;
  double max_rel = 0.0;  ///< over x != 0
  double sum_squared = 0.0;

  void merge(const ErrorStatistics& other);
};
void accumulate_errors(ErrorStatistics& e, const DType& type, ByteSpan original, ByteSpan decoded);

/// The values as doubles, for histograms and plots: f2 and f4 exactly, 64-bit integers rounded, bool as 0 or 1.
[[nodiscard]] std::vector<double> to_doubles(const DType& type, ByteSpan values);

}  // namespace haywatt
