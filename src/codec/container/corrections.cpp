#include "haywatt/codec/corrections.hpp"

#include <zstd.h>

#include "haywatt/base/error.hpp"

namespace haywatt {

ByteVector encode_corrections(std::span<const std::uint64_t> positions, ByteSpan values, std::uint8_t value_size) {
  if (positions.empty()) return {};
  ByteWriter plain;
  plain.put_varint(positions.size());
  std::uint64_t next = 0;
  for (const std::uint64_t p : positions) {
    plain.put_varint(p - next);
    next = p + 1;
  }
  for (const std::uint64_t p : positions) plain.put_bytes(values.subspan(p * value_size, value_size));

  ByteVector packed(ZSTD_compressBound(plain.size()));
  const std::size_t n = ZSTD_compress(packed.data(), packed.size(), plain.view().data(), plain.size(), 9);
  const bool smaller = ZSTD_isError(n) == 0 && n + 8 < plain.size();
  ByteWriter out;
  out.put<std::uint8_t>(smaller ? 1 : 0);
  if (smaller) {
    out.put_varint(plain.size());
    out.put_bytes(ByteSpan(packed).first(n));
  } else {
    out.put_bytes(plain.view());
  }
  return out.take();
}

std::uint64_t apply_corrections(ByteSpan stream, std::span<std::byte> values, std::uint8_t value_size) {
  if (stream.empty()) return 0;
  ByteReader outer(stream, "a stream of corrections");
  const auto form = outer.get<std::uint8_t>();
  ByteVector unpacked;
  ByteSpan plain;
  if (form == 1) {
    const std::uint64_t size = outer.get_varint();
    const std::uint64_t count = values.size() / value_size;
    if (size > 10 + count * (10 + std::uint64_t{value_size}))
      fail_input("a stream of corrections is longer than its column");
    unpacked.resize(size);
    const ByteSpan packed = outer.get_bytes(outer.remaining());
    const std::size_t n = ZSTD_decompress(unpacked.data(), unpacked.size(), packed.data(), packed.size());
    if (ZSTD_isError(n) != 0 || n != size) fail_input("a stream of corrections cannot be unpacked");
    plain = unpacked;
  } else if (form == 0) {
    plain = outer.get_bytes(outer.remaining());
  } else {
    fail_input("a stream of corrections has an unknown form");
  }

  ByteReader r(plain, "a stream of corrections");
  const std::uint64_t count = r.get_varint();
  if (count > values.size() / value_size) fail_input("there are more corrections than values");
  std::vector<std::uint64_t> positions(count);
  std::uint64_t next = 0;
  for (std::uint64_t& p : positions) {
    const std::uint64_t gap = r.get_varint();
    if (gap >= values.size() / value_size - next) fail_input("a correction lies outside its column");
    p = next + gap;
    next = p + 1;
  }
  for (const std::uint64_t p : positions) {
    const ByteSpan value = r.get_bytes(value_size);
    std::copy(value.begin(), value.end(), values.begin() + static_cast<std::ptrdiff_t>(p * value_size));
  }
  r.expect_end();
  return count;
}

}  // namespace haywatt
