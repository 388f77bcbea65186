#include "haywatt/data/schema.hpp"

#include <algorithm>

namespace haywatt {

std::uint64_t Schema::rows() const {
  std::uint64_t longest = 0;
  for (const ColumnInfo& c : columns) longest = std::max(longest, c.rows);
  return longest;
}

std::uint64_t Schema::raw_bytes() const {
  std::uint64_t bytes = 0;
  for (const ColumnInfo& c : columns) {
    if (c.layout != Layout::Jagged) bytes += c.rows * c.values_per_row() * c.dtype.size;
  }
  return bytes;
}

}  // namespace haywatt
