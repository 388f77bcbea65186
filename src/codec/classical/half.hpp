/// IEEE 754 binary16 from double; the other direction is in data/value_types.hpp.
#pragma once
#include <bit>
#include <cmath>
#include <cstdint>

namespace haywatt {

/// Rounds to nearest, ties to even; overflows to infinity; NaN becomes a quiet NaN of the same sign.
inline std::uint16_t half_from_double(double d) {
  const auto sign = static_cast<std::uint16_t>((std::bit_cast<std::uint64_t>(d) >> 48) & 0x8000);
  const double magnitude = std::fabs(d);
  if (std::isnan(d)) return static_cast<std::uint16_t>(sign | 0x7e00);
  if (magnitude >= 65520.0) return static_cast<std::uint16_t>(sign | 0x7c00);  // halfway from 65504 to 2^16
  // Adding 1.5*2^52 units of the last place rounds to that place by the hardware's own rule.
  const int exponent = magnitude < 0x1p-14 ? -14 : std::ilogb(magnitude);
  const double unit = std::ldexp(1.0, exponent - 10);
  const double rounder = 0x1.8p52 * unit;
  const double rounded = (magnitude + rounder) - rounder;
  const auto steps = static_cast<std::uint32_t>(rounded / unit);  // 0..2048; 2048 carries into the exponent
  const std::uint32_t bits =
      exponent == -14 && steps < 1024 ? steps : (static_cast<std::uint32_t>(exponent + 15) << 10) + (steps - 1024);
  return static_cast<std::uint16_t>(sign | bits);
}

}  // namespace haywatt
