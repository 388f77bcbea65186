/// Zstandard as a ByteCompressor (https://facebook.github.io/zstd, RFC 8878): one frame a block.
#pragma once
#include <memory>

#include "codec/classical/byte_compressor.hpp"

namespace haywatt {

[[nodiscard]] std::unique_ptr<const ByteCompressor> make_zstd_compressor(int level);

}  // namespace haywatt
