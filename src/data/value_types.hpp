/// From a DType to a C++ type: visit_type(dtype, [&]<class T>(T) { … }) with T a native type, Half or Bool8.
#pragma once
#include <bit>
#include <cmath>
#include <cstdint>
#include <span>
#include <type_traits>

#include "haywatt/base/error.hpp"
#include "haywatt/data/column.hpp"

namespace haywatt {

/// IEEE 754 binary16, as bits.
struct Half {
  std::uint16_t bits = 0;
};
/// numpy's bool: one byte, any bit pattern is carried.
struct Bool8 {
  std::uint8_t bits = 0;
};

/// Exact value of a half (every half is a double).
inline double to_double(Half h) {
  const int exponent = (h.bits >> 10) & 31;
  const int mantissa = h.bits & 1023;
  const double sign = (h.bits & 0x8000) != 0 ? -1.0 : 1.0;
  if (exponent == 0) return sign * mantissa * 0x1p-24;
  if (exponent == 31) return mantissa != 0 ? std::copysign(NAN, sign) : sign * INFINITY;
  return sign * std::ldexp(1024 + mantissa, exponent - 25);
}
inline double to_double(Bool8 b) { return b.bits; }
template <class T>
requires std::is_arithmetic_v<T>
double to_double(T v) { return static_cast<double>(v); }

/// |x - y| rounded once to double; exact for integers below 2^53.
template <class T>
double difference_magnitude(T x, T y) {
  if constexpr (std::is_integral_v<T>) {
    __extension__ using Wide = __int128;
    const Wide d = static_cast<Wide>(x) - static_cast<Wide>(y);
    return static_cast<double>(d < 0 ? -d : d);
  } else {
    return std::fabs(to_double(x) - to_double(y));
  }
}

/// Equal bit for bit: NaN equals a NaN of the same payload, -0 does not equal 0.
template <class T>
bool same_bits(const T& x, const T& y) {
  if constexpr (sizeof(T) == 8) {
    return std::bit_cast<std::uint64_t>(x) == std::bit_cast<std::uint64_t>(y);
  } else if constexpr (sizeof(T) == 4) {
    return std::bit_cast<std::uint32_t>(x) == std::bit_cast<std::uint32_t>(y);
  } else if constexpr (sizeof(T) == 2) {
    return std::bit_cast<std::uint16_t>(x) == std::bit_cast<std::uint16_t>(y);
  } else {
    return std::bit_cast<std::uint8_t>(x) == std::bit_cast<std::uint8_t>(y);
  }
}

/// The bytes as values; `bytes` must be aligned for T (the start of a vector always is).
template <class T>
std::span<const T> values_of(ByteSpan bytes) {
  return {reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T)};
}

template <class F>
decltype(auto) visit_type(const DType& t, F&& f) {
  switch (t.kind) {
    case ScalarKind::Bool:
      return f(Bool8{});
    case ScalarKind::Int:
      switch (t.size) {
        case 1:
          return f(std::int8_t{});
        case 2:
          return f(std::int16_t{});
        case 4:
          return f(std::int32_t{});
        default:
          return f(std::int64_t{});
      }
    case ScalarKind::UInt:
      switch (t.size) {
        case 1:
          return f(std::uint8_t{});
        case 2:
          return f(std::uint16_t{});
        case 4:
          return f(std::uint32_t{});
        default:
          return f(std::uint64_t{});
      }
    case ScalarKind::Float:
      break;
  }
  switch (t.size) {
    case 2:
      return f(Half{});
    case 4:
      return f(float{});
    default:
      return f(double{});
  }
}

}  // namespace haywatt
