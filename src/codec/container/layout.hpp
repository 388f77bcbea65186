/// Fixed bytes of the .hay layout (docs/format.md), shared by reader and writer.
#pragma once
#include <array>
#include <cstdint>
#include <cstring>
#include <string>

#include "haywatt/base/bytes.hpp"

namespace haywatt::layout {

/// As PNG's: a byte above 127, a name, CR LF, control-Z, LF; text-mode transfers damage it visibly.
inline constexpr std::array<char, 8> magic = {'\x89', 'H', 'A', 'Y', '\r', '\n', '\x1a', '\n'};
inline constexpr std::array<char, 8> end_magic = {'\x89', 'h', 'a', 'y', 'E', 'N', 'D', '\n'};
inline constexpr std::uint64_t preamble_bytes = 16;  ///< magic, u32 version, u32 zero
inline constexpr std::uint64_t section_head_bytes =
    32;  ///< type, u32 zero, u64 length, u64 payload checksum, u64 own checksum
inline constexpr std::uint64_t trailer_bytes =
    32;  ///< u64 file length, u64 checksum of all section heads, u64 own checksum, magic

struct SectionHead {
  std::array<char, 4> type{};
  std::uint64_t length = 0;
  std::uint64_t checksum = 0;  ///< of the payload; 0 for DATA, whose streams the index covers
};

inline ByteVector encode(const SectionHead& head) {
  ByteWriter w;
  w.put_bytes(as_byte_span({head.type.data(), head.type.size()}));
  w.put<std::uint32_t>(0);
  w.put(head.length);
  w.put(head.checksum);
  w.put(xxh3(w.view()));
  return w.take();
}

}  // namespace haywatt::layout
