/// The column codec behind zstd, lz4 and the lossless HDF5 filters: a lossy step where the bound allows one, then
/// narrowed words, then a byte compressor. It holds every column type and every bound but `none`.
#pragma once
#include <memory>

#include "codec/classical/byte_compressor.hpp"
#include "haywatt/codec/column_codec.hpp"

namespace haywatt {

/// Stream (docs/format-methods.md): nothing for no values, else u8 form, then
/// 1 bits: varint minimum, u8 shift, words; value bits = (word + minimum) << shift
/// 2 integers: u64 minimum, varint step, words; value = minimum + word*step
/// 3 lattice: f64 base, f64 step, u64 first, words; value = base + (first + word)*step
/// 4 constant: the bytes of the one value
class PackedCodec : public ColumnCodec {
 public:
  explicit PackedCodec(std::unique_ptr<const ByteCompressor> compressor) : compressor_(std::move(compressor)) {}
  [[nodiscard]] ByteVector encode(const ColumnTask& task, ByteSpan values) const override;
  [[nodiscard]] ByteVector decode(const ColumnTask& task, ByteSpan stream) const override;

 private:
  [[nodiscard]] ByteVector encode_bits(const ColumnTask& task, ByteSpan values) const;
  [[nodiscard]] ByteVector encode_integers(const ColumnTask& task, ByteSpan values) const;
  [[nodiscard]] ByteVector encode_floats(const ColumnTask& task, ByteSpan values) const;
  [[nodiscard]] ByteVector encode_lattice(const struct FloatIndices& indices) const;
  std::unique_ptr<const ByteCompressor> compressor_;
};

}  // namespace haywatt
