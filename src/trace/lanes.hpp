/// Slices of one track must nest: viewers drop or misplace those that overlap in part.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace haywatt::trace {

struct Stretch {
  std::uint64_t key = 0;  ///< thread or process it belongs to
  std::int64_t start_ns = 0, end_ns = 0;
  std::size_t index = 0;  ///< where the caller keeps the rest of it
};

/// Stretches of one key, each two of which either nest or do not overlap; in order of start, the longer one first.
struct Lane {
  std::uint64_t key = 0;
  std::size_t number = 0;  ///< 0, 1, … within the key
  std::vector<Stretch> stretches;
};

/// Every stretch in exactly one lane; as many lanes a key as its overlaps need, usually one. By key, then by number.
[[nodiscard]] std::vector<Lane> nested_lanes(std::vector<Stretch> stretches);

}  // namespace haywatt::trace
