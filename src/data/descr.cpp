#include "data/descr.hpp"

#include "data/checked.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/base/text.hpp"

namespace haywatt::data {
namespace {

Descr refuse(std::string why) {
  Descr d;
  d.refusal = std::move(why);
  return d;
}

Descr text_descr(char kind, char order, std::uint64_t length) {
  Descr d;
  const auto bytes = multiply(length, kind == 'U' ? 4 : 1);
  if (!bytes) return refuse("an absurd string length");
  d.kind = Descr::Kind::Text;
  d.text_kind = kind;
  d.big_endian = order == '>';
  d.item_bytes = *bytes;
  return d;
}

Descr numeric_descr(char kind, char order, std::uint64_t size) {
  const bool size_known = kind == 'b'   ? size == 1
                          : kind == 'f' ? size == 2 || size == 4 || size == 8
                                        : size == 1 || size == 2 || size == 4 || size == 8;
  if (kind == 'f' && size > 8) return refuse("long double, whose meaning differs between machines: save it as float64");
  if (!size_known || (order == '|' && size > 1)) return refuse("an unknown type");
  Descr d;
  d.kind = Descr::Kind::Numeric;
  d.dtype = DType::parse(kind + std::to_string(size));
  d.dtype.big_endian = order == '>' && size > 1;
  d.item_bytes = size;
  return d;
}

}  // namespace

Descr parse_descr(std::string_view text) {
  char order = '=';
  if (!text.empty() && std::string_view("<>=|").find(text.front()) != std::string_view::npos) {
    order = text.front();
    text.remove_prefix(1);
  }
  if (text.empty()) return refuse("an unknown type");
  const char kind = text.front();
  text.remove_prefix(1);
  switch (kind) {
    case 'O':
      return refuse("Python objects, which only running a pickle could read: save numbers instead");
    case 'M':
    case 'm':
      return refuse("dates or time differences: save them as integers (.view('i8'))");
    case 'V':
      return refuse("structured or void records: save each field as an array of its own");
    case 'c':
      return refuse("complex numbers: save real and imaginary part as two arrays");
    default:
      break;
  }
  const auto size = parse_u64(text);
  if (!size) return refuse("an unknown type");
  switch (kind) {
    case 'b':
    case 'i':
    case 'u':
    case 'f':
      return numeric_descr(kind, order, *size);
    case 'U':
    case 'S':
    case 'a':
      return text_descr(kind == 'U' ? 'U' : 'S', order, *size);
    default:
      return refuse("an unknown type");
  }
}

std::string make_descr(const DType& type) {
  const char order = type.size == 1 ? '|' : type.big_endian ? '>' : '<';
  return order + type.name();
}

}  // namespace haywatt::data
