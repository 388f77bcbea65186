#include "codec/pipeline/chunking.hpp"

#include <algorithm>

#include "haywatt/base/error.hpp"
#include "haywatt/base/text.hpp"
#include "haywatt/codec/hay_file.hpp"

namespace haywatt {

std::uint64_t choose_chunk_rows(const Schema& schema, int threads, std::uint64_t memory_bytes) {
  // Enough rows that tables and headers inside each column's stream do not count, few enough to spread over threads.
  constexpr std::uint64_t wanted_rows = 65536;
  constexpr std::uint64_t most_bytes = std::uint64_t{16} << 20;
  static_assert(most_bytes <= hay_max_chunk_bytes);
  std::uint64_t row_bytes = 0;
  for (const ColumnInfo& c : schema.columns) row_bytes += c.values_per_row() * c.dtype.size;
  row_bytes = std::max<std::uint64_t>(row_bytes, 1);
  const std::uint64_t in_flight = 4 * (static_cast<std::uint64_t>(std::max(threads, 1)) + 1);
  const std::uint64_t affordable = memory_bytes / in_flight / row_bytes;
  if (affordable == 0)
    fail_usage("one row takes " + si(static_cast<double>(row_bytes), "B") + "; --memory must be at least " +
               si(static_cast<double>(row_bytes * in_flight), "B"));
  return std::max<std::uint64_t>(1, std::min({wanted_rows, most_bytes / row_bytes, affordable}));
}

}  // namespace haywatt
