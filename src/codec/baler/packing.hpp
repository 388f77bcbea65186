/// Byte planes and zstd: how the lossless parts of a baler file are packed. Thread-safe.
#pragma once
#include <cstddef>
#include <cstdint>

#include "haywatt/base/bytes.hpp"

namespace haywatt::baler {

inline constexpr int final_level = 19;  ///< zstd level of what is stored
inline constexpr int trial_level = 1;   ///< zstd level for choosing between ways to code

/// Byte k of every element after byte k-1 of every element. bytes.size() must be a multiple of `element`.
[[nodiscard]] ByteVector shuffle(ByteSpan bytes, std::size_t element);
[[nodiscard]] ByteVector unshuffle(ByteSpan bytes, std::size_t element);

/// One zstd frame that says its content's size.
[[nodiscard]] ByteVector zstd_pack(ByteSpan bytes, int level);
/// Error(BadInput) unless `frame` holds exactly `size` bytes; allocates only what a frame of this length can hold.
[[nodiscard]] ByteVector zstd_unpack(ByteSpan frame, std::uint64_t size);

}  // namespace haywatt::baler
