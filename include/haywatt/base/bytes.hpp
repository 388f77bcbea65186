/// Little-endian bytes in memory, written and read with every length checked.
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace haywatt {

static_assert(std::endian::native == std::endian::little, "Haywatt's formats are written from little-endian memory");

using ByteVector = std::vector<std::byte>;
using ByteSpan = std::span<const std::byte>;

[[nodiscard]] inline std::string_view as_text(ByteSpan b) {
  return {reinterpret_cast<const char*>(b.data()), b.size()};
}
[[nodiscard]] inline ByteSpan as_byte_span(std::string_view s) {
  return {reinterpret_cast<const std::byte*>(s.data()), s.size()};
}

/// XXH3 64-bit checksum with seed 0 (https://xxhash.com, BSD-2).
[[nodiscard]] std::uint64_t xxh3(ByteSpan bytes) noexcept;

/// Appends values to a growing byte vector.
class ByteWriter {
 public:
  template <class T>
  requires std::is_arithmetic_v<T>
  void put(T value) {
    const std::size_t at = bytes_.size();
    bytes_.resize(at + sizeof value);
    std::memcpy(bytes_.data() + at, &value, sizeof value);
  }
  void put_bytes(ByteSpan b) { bytes_.insert(bytes_.end(), b.begin(), b.end()); }
  /// u64 length, then the bytes.
  void put_block(ByteSpan b) {
    put<std::uint64_t>(b.size());
    put_bytes(b);
  }
  /// LEB128: 7 bits a byte, low bits first, high bit set on all but the last.
  void put_varint(std::uint64_t v) {
    while (v >= 0x80) {
      bytes_.push_back(static_cast<std::byte>(v | 0x80));
      v >>= 7;
    }
    bytes_.push_back(static_cast<std::byte>(v));
  }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] ByteSpan view() const { return bytes_; }
  [[nodiscard]] ByteVector take() { return std::move(bytes_); }

 private:
  ByteVector bytes_;
};

/// Reads values from a byte span; every read past the end throws Error(BadInput) naming `what`.
class ByteReader {
 public:
  ByteReader(ByteSpan bytes, std::string_view what) : bytes_(bytes), what_(what) {}
  template <class T>
  requires std::is_arithmetic_v<T> T get() {
    T value;
    std::memcpy(&value, get_bytes(sizeof(T)).data(), sizeof(T));
    return value;
  }
  ByteSpan get_bytes(std::uint64_t n) {
    if (n > bytes_.size() - at_) fail_short(n);
    const ByteSpan s = bytes_.subspan(at_, static_cast<std::size_t>(n));
    at_ += static_cast<std::size_t>(n);
    return s;
  }
  ByteSpan get_block() { return get_bytes(get<std::uint64_t>()); }
  std::uint64_t get_varint();
  [[nodiscard]] std::size_t remaining() const { return bytes_.size() - at_; }
  /// Throws unless everything was consumed.
  void expect_end() const;

 private:
  [[noreturn]] void fail_short(std::uint64_t wanted) const;
  ByteSpan bytes_;
  std::size_t at_ = 0;
  std::string what_;
};

}  // namespace haywatt
