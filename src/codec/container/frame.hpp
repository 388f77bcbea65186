/// Sections that are one zstd frame (HEAD, ARRY, NOTE).
#pragma once
#include <cstdint>

#include "haywatt/base/bytes.hpp"

namespace haywatt {

[[nodiscard]] ByteVector pack_frame(ByteSpan plain);
/// Decoded piece by piece, so that memory follows what the frame really holds; Error(BadInput) on damage or beyond
/// `limit` bytes.
[[nodiscard]] ByteVector unpack_frame(ByteSpan frame, std::uint64_t limit);

}  // namespace haywatt
