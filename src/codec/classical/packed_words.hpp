/// 64-bit words as bytes: narrowed to the bytes they need, as differences where that is smaller, compressed.
#pragma once
#include "codec/classical/byte_compressor.hpp"
#include "codec/classical/shuffle.hpp"

namespace haywatt {

/// Appends `words` to `out`. Stream: u8 width (0..8), u8 flags (bit 0: differences), then
/// - by planes: `width` planes, low byte first, each: u8 mode 0 stored + bytes | 1 constant + the byte |
///   2 compressed + varint length + bytes;
/// - whole: one block of elements of `width` = 1, 2, 4 or 8 bytes, mode 0 or 2 as above.
/// Differences: zigzag of (word - the word before) modulo 2^64, the first from 0.
void put_words(ByteWriter& out, std::span<const std::uint64_t> words, const ByteCompressor& compressor);

/// Inverse of put_words for `count` words. Error(BadInput) on damage.
[[nodiscard]] Words get_words(ByteReader& in, std::uint64_t count, const ByteCompressor& compressor);

}  // namespace haywatt
