#include "codec/baler/project/type_list.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "codec/baler/project/numpy_half.hpp"

namespace haywatt::baler {
namespace {

using Kind = ColumnCast::Kind;

/// cvttsd2si: towards zero; what does not fit is the most negative number.
std::int64_t to_int64(double v) { return v >= -0x1p63 && v < 0x1p63 ? static_cast<std::int64_t>(v) : INT64_MIN; }
std::int32_t to_int32(double v) { return v > -0x1p31 - 1.0 && v < 0x1p31 ? static_cast<std::int32_t>(v) : INT32_MIN; }
/// Compilers convert to uint64 by way of int64, the upper half less 2^63.
std::uint64_t to_uint64(double v) {
  if (!(v >= 0x1p63)) return static_cast<std::uint64_t>(to_int64(v));
  return static_cast<std::uint64_t>(to_int64(v - 0x1p63)) ^ (std::uint64_t{1} << 63);
}

}  // namespace

std::optional<ColumnCast> column_cast(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, ColumnCast>, 24> known = {{
      {"float64", {Kind::Float, 8}}, {"float", {Kind::Float, 8}},   {"double", {Kind::Float, 8}},
      {"f8", {Kind::Float, 8}},      {"float32", {Kind::Float, 4}}, {"f4", {Kind::Float, 4}},
      {"float16", {Kind::Float, 2}}, {"f2", {Kind::Float, 2}},      {"int", {Kind::Int, 8}},
      {"int64", {Kind::Int, 8}},     {"i8", {Kind::Int, 8}},        {"int32", {Kind::Int, 4}},
      {"i4", {Kind::Int, 4}},        {"int16", {Kind::Int, 2}},     {"i2", {Kind::Int, 2}},
      {"int8", {Kind::Int, 1}},      {"i1", {Kind::Int, 1}},        {"uint64", {Kind::UInt, 8}},
      {"uint", {Kind::UInt, 8}},     {"uint32", {Kind::UInt, 4}},   {"uint16", {Kind::UInt, 2}},
      {"uint8", {Kind::UInt, 1}},    {"bool", {Kind::Bool, 1}},     {"bool_", {Kind::Bool, 1}},
  }};
  const auto at = std::find_if(known.begin(), known.end(), [&](const auto& k) { return k.first == name; });
  if (at == known.end()) return std::nullopt;
  return at->second;
}

double cast_as_numpy(const ColumnCast& cast, double v) {
  switch (cast.kind) {
    case Kind::Float:
      if (cast.bytes == 4) return static_cast<double>(static_cast<float>(v));
      return cast.bytes == 2 ? static_cast<double>(half_to_float(double_to_half(v))) : v;
    case Kind::Int:
      if (cast.bytes == 8) return static_cast<double>(to_int64(v));
      if (cast.bytes == 4) return to_int32(v);
      if (cast.bytes == 2) return static_cast<std::int16_t>(to_int32(v));
      return static_cast<std::int8_t>(to_int32(v));
    case Kind::UInt:
      if (cast.bytes == 8) return static_cast<double>(to_uint64(v));
      if (cast.bytes == 4) return static_cast<std::uint32_t>(to_int64(v));
      if (cast.bytes == 2) return static_cast<std::uint16_t>(to_int32(v));
      return static_cast<std::uint8_t>(to_int32(v));
    case Kind::Bool:
      break;
  }
  return v != 0.0 ? 1.0 : 0.0;
}

double cast_nearest(const ColumnCast& cast, double v) {
  if (cast.kind == Kind::Float) return cast_as_numpy(cast, v);
  if (std::isnan(v)) return v;
  if (cast.kind == Kind::Bool) return v > 0.5 ? 1.0 : 0.0;
  const int bits = 8 * cast.bytes - (cast.kind == Kind::Int ? 1 : 0);
  const double top = std::ldexp(1.0, bits);
  // Of 64-bit types the largest value is no double; the next smaller one is.
  const double most = bits > 53 ? std::nextafter(top, 0.0) : top - 1.0;
  return std::clamp(std::nearbyint(v), cast.kind == Kind::Int ? -top : 0.0, most);
}

}  // namespace haywatt::baler
