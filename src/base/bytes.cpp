#include "haywatt/base/bytes.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "haywatt/base/error.hpp"

namespace haywatt {

std::uint64_t xxh3(ByteSpan bytes) noexcept { return XXH3_64bits(bytes.data(), bytes.size()); }

std::uint64_t ByteReader::get_varint() {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const auto byte = get<std::uint8_t>();
    if (shift == 63 && byte > 1) break;
    value |= std::uint64_t{byte & 0x7fU} << shift;
    if (byte < 0x80) return value;
  }
  fail_input(what_ + " is damaged: a number is longer than 64 bits");
}

void ByteReader::expect_end() const {
  if (remaining() != 0) fail_input(what_ + " is damaged: " + std::to_string(remaining()) + " bytes too many");
}

void ByteReader::fail_short(std::uint64_t wanted) const {
  fail_input(what_ + " is truncated: " + std::to_string(wanted) + " bytes wanted, " + std::to_string(remaining()) +
             " left");
}

}  // namespace haywatt
