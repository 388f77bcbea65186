/// Products and sums of sizes that a file claims, refused before they overflow.
#pragma once
#include <cstdint>
#include <optional>
#include <span>

namespace haywatt::data {

/// No size, offset or number of values may reach 2^62: sums of two of them, and off_t, then cannot overflow.
inline constexpr std::uint64_t size_limit = std::uint64_t{1} << 62;

[[nodiscard]] inline std::optional<std::uint64_t> multiply(std::uint64_t a, std::uint64_t b) {
  std::uint64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product) || product >= size_limit) return std::nullopt;
  return product;
}

/// Bytes of an array of this shape, where a dimension of 0 counts as 1 so that no partial product overflows either.
[[nodiscard]] inline std::optional<std::uint64_t> padded_bytes(std::span<const std::uint64_t> shape,
                                                               std::uint64_t item_bytes) {
  std::optional<std::uint64_t> bytes = item_bytes == 0 ? 1 : item_bytes;
  for (const std::uint64_t n : shape) {
    if (bytes) bytes = multiply(*bytes, n == 0 ? 1 : n);
  }
  return bytes;
}

/// Number of items; only after padded_bytes() has accepted the shape.
[[nodiscard]] inline std::uint64_t product(std::span<const std::uint64_t> shape) {
  std::uint64_t n = 1;
  for (const std::uint64_t d : shape) n *= d;
  return n;
}

}  // namespace haywatt::data
