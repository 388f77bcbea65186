/// Values of any column type in memory, as arithmetic on doubles and on ordered bit patterns. Pure functions.
#pragma once
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "haywatt/base/error.hpp"
#include "haywatt/data/column.hpp"

namespace haywatt::baler {

/// IEEE 754 binary16, kept as bits; arithmetic on it is done in float.
struct Half {
  std::uint16_t bits = 0;
};

[[nodiscard]] inline float half_to_float(Half h) {
  const auto sign = static_cast<std::uint32_t>(h.bits & 0x8000U) << 16;
  const std::uint32_t exponent = (h.bits >> 10) & 0x1fU;
  const std::uint32_t mantissa = h.bits & 0x3ffU;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000U | (mantissa << 13));
  if (exponent == 0) {
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24F;
    return sign != 0 ? -magnitude : magnitude;
  }
  return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
}

/// Rounds to nearest, ties to even; beyond the largest half (65504) stays at it.
[[nodiscard]] inline Half float_to_half(float value) {
  const auto sign = static_cast<std::uint16_t>((std::bit_cast<std::uint32_t>(value) >> 16) & 0x8000U);
  const float magnitude = std::min(std::fabs(value), 65504.0F);
  std::uint32_t bits = 0;
  if (magnitude < 0x1p-14F) {
    bits = static_cast<std::uint32_t>(std::nearbyint(magnitude * 0x1p24F));
  } else {
    const auto full = std::bit_cast<std::uint32_t>(magnitude);
    bits = ((full + 0xfffU + ((full >> 13) & 1U)) >> 13) - (112U << 10);
  }
  return Half{static_cast<std::uint16_t>(sign | bits)};
}

/// Calls f with a value of the C++ type of `type`: f(std::int8_t{}), f(Half{}), …
template <class F>
decltype(auto) visit_type(const DType& type, F&& f) {
  switch (type.kind) {
    case ScalarKind::Float:
      if (type.size == 2) return f(Half{});
      if (type.size == 4) return f(float{});
      return f(double{});
    case ScalarKind::Int:
      if (type.size == 1) return f(std::int8_t{});
      if (type.size == 2) return f(std::int16_t{});
      if (type.size == 4) return f(std::int32_t{});
      return f(std::int64_t{});
    case ScalarKind::UInt:
      if (type.size == 2) return f(std::uint16_t{});
      if (type.size == 4) return f(std::uint32_t{});
      if (type.size == 8) return f(std::uint64_t{});
      return f(std::uint8_t{});
    case ScalarKind::Bool:
      break;
  }
  return f(bool{});
}

/// The type that numpy computes (x - min) / (max - min) in: float for float32 (and float16, which we widen), else
/// double.
template <class T>
using Working = std::conditional_t<std::is_same_v<T, float> || std::is_same_v<T, Half>, float, double>;

template <class T>
[[nodiscard]] T load(const std::byte* at) {
  if constexpr (std::is_same_v<T, bool>) {
    return *at != std::byte{0};
  } else {
    T value;
    std::memcpy(&value, at, sizeof value);
    return value;
  }
}

template <class T>
[[nodiscard]] Working<T> to_working(T value) {
  if constexpr (std::is_same_v<T, Half>) {
    return half_to_float(value);
  } else {
    return static_cast<Working<T>>(value);
  }
}

/// The nearest value of T; integers are rounded to nearest (ties to even) and everything is clamped to T's range.
/// `value` must not be NaN.
template <class T>
[[nodiscard]] T nearest(double value) {
  if constexpr (std::is_same_v<T, double>) {
    return std::clamp(value, -std::numeric_limits<double>::max(), std::numeric_limits<double>::max());
  } else if constexpr (std::is_same_v<T, float>) {
    constexpr double limit = std::numeric_limits<float>::max();
    return static_cast<float>(std::clamp(value, -limit, limit));
  } else if constexpr (std::is_same_v<T, Half>) {
    return float_to_half(static_cast<float>(std::clamp(value, -65504.0, 65504.0)));
  } else if constexpr (std::is_same_v<T, bool>) {
    return value > 0.5;
  } else {
    const double rounded = std::nearbyint(value);
    // For 64-bit types max() rounds up to a power of two, which itself is out of range: hence >=.
    if (rounded >= static_cast<double>(std::numeric_limits<T>::max())) return std::numeric_limits<T>::max();
    if (rounded <= static_cast<double>(std::numeric_limits<T>::min())) return std::numeric_limits<T>::min();
    return static_cast<T>(rounded);
  }
}

/// Bits of T, as the unsigned integer of its size.
template <class T>
using BitsOf = std::conditional_t<sizeof(T) == 1, std::uint8_t,
                                  std::conditional_t<sizeof(T) == 2, std::uint16_t,
                                                     std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>>>;

/// A signed integer that grows with the value: integers themselves, for floats the bits with the magnitude of negative
/// ones complemented (so -0 is -1). Every bit pattern has its own.
template <class T>
[[nodiscard]] std::int64_t to_ordered(T value) {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<std::int64_t>(value);
  } else {
    using Bits = BitsOf<T>;
    constexpr Bits sign = Bits(Bits{1} << (8 * sizeof(T) - 1));
    const auto bits = std::bit_cast<Bits>(value);
    const auto magnitude = static_cast<std::int64_t>(static_cast<Bits>(bits & static_cast<Bits>(~sign)));
    return (bits & sign) != 0 ? ~magnitude : magnitude;
  }
}

/// Inverse of to_ordered; bits beyond T's size are dropped.
template <class T>
[[nodiscard]] T from_ordered(std::int64_t ordered) {
  if constexpr (std::is_same_v<T, bool>) {
    return (ordered & 1) != 0;
  } else if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(ordered);
  } else {
    using Bits = BitsOf<T>;
    constexpr Bits sign = Bits(Bits{1} << (8 * sizeof(T) - 1));
    const auto magnitude = static_cast<Bits>(ordered < 0 ? ~ordered : ordered) & static_cast<Bits>(~sign);
    return std::bit_cast<T>(static_cast<Bits>(magnitude | (ordered < 0 ? sign : Bits{0})));
  }
}

/// Explicit mantissa bits of a float type of this many bytes.
[[nodiscard]] inline int mantissa_bits(std::uint8_t float_size) {
  return float_size == 2 ? 10 : float_size == 4 ? 23 : 52;
}

}  // namespace haywatt::baler
