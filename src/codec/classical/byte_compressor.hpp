/// A lossless compressor of bytes, as the classical codecs use it.
#pragma once
#include <optional>

#include "haywatt/base/bytes.hpp"

namespace haywatt {

/// Stateless after construction, thread-safe, deterministic on the decoding side.
class ByteCompressor {
 public:
  virtual ~ByteCompressor() = default;
  /// True: it is given one byte plane after the other (all first bytes, all second bytes, …), `element_size` 1.
  /// False: it is given whole little-endian elements of 1, 2, 4 or 8 bytes and rearranges them itself.
  [[nodiscard]] virtual bool wants_planes() const { return true; }
  /// Nothing if the result would not be smaller than `raw`; `raw` is then stored as it is. `raw` is not empty.
  [[nodiscard]] virtual std::optional<ByteVector> compress(ByteSpan raw, unsigned element_size) const = 0;
  /// Fills `out` exactly, or Error(BadInput).
  virtual void decompress(ByteSpan stream, std::span<std::byte> out, unsigned element_size) const = 0;
};

}  // namespace haywatt
