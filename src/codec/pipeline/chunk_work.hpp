/// One chunk on its way from the reader to the file.
#pragma once
#include <vector>

#include "haywatt/codec/method.hpp"
#include "haywatt/data/statistics.hpp"

namespace haywatt {

struct ChunkWork {
  EncodedChunk streams;
  std::vector<ByteVector> corrections;
  std::vector<ErrorStatistics> errors;
  std::vector<std::uint64_t> correction_counts;
};

/// As a message between processes of one build.
[[nodiscard]] ByteVector to_message(const ChunkWork& work);
[[nodiscard]] ChunkWork work_from_message(ByteSpan message);

}  // namespace haywatt
