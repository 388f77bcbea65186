/// numpy's type strings: which of them Haywatt reads as numbers, which it carries, which it refuses and why.
/// Source: https://numpy.org/doc/stable/reference/arrays.interface.html (typestr).
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "haywatt/data/column.hpp"

namespace haywatt::data {

struct Descr {
  enum class Kind { Numeric, Text, Refused };
  Kind kind = Kind::Refused;
  DType dtype;                   ///< Numeric only
  char text_kind = 'S';          ///< Text only: 'U' (UTF-32) or 'S' (bytes)
  bool big_endian = false;       ///< Text only: byte order of UTF-32
  std::uint64_t item_bytes = 0;  ///< Numeric and Text
  std::string refusal;           ///< Refused only: what it is, "complex numbers"
};

/// Never throws; what is not understood is Refused.
[[nodiscard]] Descr parse_descr(std::string_view text);
/// "<f4", ">i8", "|u1".
[[nodiscard]] std::string make_descr(const DType& type);

}  // namespace haywatt::data
