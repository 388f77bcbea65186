/// Between values and byte planes. Values are held as 64-bit words whatever their size, so that the lattice, the
/// rounded floats and plain bytes take one path.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "haywatt/base/bytes.hpp"

namespace haywatt {

using Words = std::vector<std::uint64_t>;

/// Byte `index` of every word.
void extract_plane(std::span<const std::uint64_t> words, unsigned index, std::span<std::byte> plane);
/// words[i] |= plane[i] << 8*index.
void merge_plane(ByteSpan plane, unsigned index, std::span<std::uint64_t> words);

/// Little-endian elements of `size` = 1, 2, 4 or 8 bytes, zero-extended.
[[nodiscard]] Words load_words(ByteSpan bytes, unsigned size);
/// The low `size` bytes of each word, one after the other.
[[nodiscard]] ByteVector store_words(std::span<const std::uint64_t> words, unsigned size);

}  // namespace haywatt
