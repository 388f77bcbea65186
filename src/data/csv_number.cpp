#include "data/csv_number.hpp"

#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

#include "haywatt/base/text.hpp"

namespace haywatt::data {
namespace {

std::string_view without_plus(std::string_view s) {
  if (s.size() > 1 && s[0] == '+' && s[1] != '-') s.remove_prefix(1);
  return s;
}

template <class T>
T load(const std::byte* p) {
  T v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

template <class T>
void append_whole(std::string& out, T v) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, v).ptr);
}

template <class T>
void append_real(std::string& out, T v, std::string_view nan) {
  if (std::isnan(v)) {
    out += nan;
    return;
  }
  char digits[40];
  const std::string_view text(digits,
                              static_cast<std::size_t>(std::to_chars(digits, digits + sizeof digits, v).ptr - digits));
  out += text;
  if (text.find_first_of(".en") == std::string_view::npos) out += ".0";
}

/// IEEE 754 binary16 to binary32, exact.
float half_to_float(std::uint16_t h) {
  const int exponent = (h >> 10) & 31;
  const auto mantissa = static_cast<float>(h & 0x3ff);
  float magnitude = 0.0F;
  if (exponent == 31) {
    magnitude = mantissa == 0.0F ? std::numeric_limits<float>::infinity() : std::numeric_limits<float>::quiet_NaN();
  } else if (exponent == 0) {
    magnitude = std::ldexp(mantissa, -24);
  } else {
    magnitude = std::ldexp(mantissa + 1024.0F, exponent - 25);
  }
  return (h & 0x8000) != 0 ? -magnitude : magnitude;
}

}  // namespace

std::string_view trim_blanks(std::string_view s) noexcept {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

std::optional<std::int64_t> parse_whole(std::string_view trimmed) noexcept {
  const std::string_view s = without_plus(trimmed);
  std::int64_t v = 0;
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), v);
  if (error != std::errc{} || end != s.data() + s.size() || (v == 0 && s.front() == '-')) return std::nullopt;
  return v;
}

std::optional<double> parse_real(std::string_view trimmed) noexcept {
  if (trimmed.empty()) return std::numeric_limits<double>::quiet_NaN();
  return parse_double(without_plus(trimmed));
}

void append_number(std::string& out, const DType& type, const std::byte* value, std::string_view nan) {
  switch (type.kind) {
    case ScalarKind::Bool:
      out += load<std::uint8_t>(value) != 0 ? '1' : '0';
      return;
    case ScalarKind::Int:
      return append_whole(out, type.size == 1   ? std::int64_t{load<std::int8_t>(value)}
                               : type.size == 2 ? std::int64_t{load<std::int16_t>(value)}
                               : type.size == 4 ? std::int64_t{load<std::int32_t>(value)}
                                                : load<std::int64_t>(value));
    case ScalarKind::UInt:
      return append_whole(out, type.size == 1   ? std::uint64_t{load<std::uint8_t>(value)}
                               : type.size == 2 ? std::uint64_t{load<std::uint16_t>(value)}
                               : type.size == 4 ? std::uint64_t{load<std::uint32_t>(value)}
                                                : load<std::uint64_t>(value));
    case ScalarKind::Float:
      if (type.size == 2) return append_real(out, half_to_float(load<std::uint16_t>(value)), nan);
      if (type.size == 4) return append_real(out, load<float>(value), nan);
      return append_real(out, load<double>(value), nan);
  }
}

}  // namespace haywatt::data
