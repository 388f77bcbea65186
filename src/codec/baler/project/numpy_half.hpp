/// float16 as numpy rounds it: to nearest, ties to even, beyond 65504 to infinity, NaN kept; from double in one step.
#pragma once
#include <bit>
#include <cmath>
#include <cstdint>

#include "codec/baler/scalars.hpp"

namespace haywatt::baler {

[[nodiscard]] inline Half double_to_half(double value) {
  const auto sign = static_cast<std::uint16_t>((std::bit_cast<std::uint64_t>(value) >> 48) & 0x8000U);
  const double magnitude = std::fabs(value);
  if (std::isnan(value)) return Half{static_cast<std::uint16_t>(sign | 0x7e00U)};
  if (magnitude >= 65520.0) return Half{static_cast<std::uint16_t>(sign | 0x7c00U)};  // half a step beyond the largest
  std::uint32_t bits = 0;
  if (magnitude < 0x1p-14) {
    bits = static_cast<std::uint32_t>(std::nearbyint(magnitude * 0x1p24));
  } else {
    const auto full = std::bit_cast<std::uint64_t>(magnitude);
    constexpr int dropped = 52 - 10;
    const std::uint64_t rounded = full + ((std::uint64_t{1} << (dropped - 1)) - 1) + ((full >> dropped) & 1U);
    bits = static_cast<std::uint32_t>((rounded >> dropped) - (std::uint64_t{1023 - 15} << 10));
  }
  return Half{static_cast<std::uint16_t>(sign | bits)};
}

/// numpy computes in float and rounds each result.
[[nodiscard]] inline float round_to_half(float value) {
  return half_to_float(double_to_half(static_cast<double>(value)));
}

}  // namespace haywatt::baler
