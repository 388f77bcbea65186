/// Processes that compress one table together: each codes some of its chunks, the first one writes the file.
#pragma once
#include <cstdint>
#include <string_view>

#include "haywatt/base/bytes.hpp"

namespace haywatt {

/// One member's view of its team. The file is the one that a single process would write, byte for byte. Used by one
/// thread. Implemented over MPI in distributed/.
class ChunkTeam {
 public:
  virtual ~ChunkTeam() = default;
  [[nodiscard]] virtual int member() const = 0;  ///< 0 writes
  [[nodiscard]] virtual int members() const = 0;
  virtual void send_to_first(ByteSpan message) = 0;
  [[nodiscard]] virtual ByteVector receive_from(int member) = 0;
  /// Gives every member the message of the first one; every member calls it.
  virtual void share_of_first(ByteVector& message) = 0;
  /// True on all if all came with the same value; every member calls it.
  [[nodiscard]] virtual bool agree(std::uint64_t value) = 0;
  [[nodiscard]] bool owns(std::uint64_t chunk) const {
    return chunk % static_cast<std::uint64_t>(members()) == static_cast<std::uint64_t>(member());
  }
};

}  // namespace haywatt
