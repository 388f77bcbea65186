#include "data/npy_header.hpp"

#include <algorithm>

#include "data/checked.hpp"
#include "data/utf8.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/base/text.hpp"

namespace haywatt::data {
namespace {

constexpr std::string_view magic = "\x93NUMPY";
constexpr std::uint64_t longest_header = std::uint64_t{1} << 20;  // numpy itself refuses more than 10,000 by default
constexpr std::size_t most_dimensions = 64;

/// A strict reader of the one Python literal that numpy writes: a dict of a string, a bool and a tuple of integers.
class LiteralParser {
 public:
  LiteralParser(std::string_view text, const std::string& what) : text_(text), what_(what) {}

  NpyHeader parse() {
    NpyHeader h;
    bool seen_descr = false, seen_order = false, seen_shape = false;
    expect('{');
    while (!accept('}')) {
      const std::string key = string();
      expect(':');
      if (key == "descr" && !seen_descr) {
        h.descr = descr();
        seen_descr = true;
      } else if (key == "fortran_order" && !seen_order) {
        h.fortran_order = boolean();
        seen_order = true;
      } else if (key == "shape" && !seen_shape) {
        h.shape = tuple();
        seen_shape = true;
      } else {
        fail();
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (at_ != text_.size() || !seen_descr || !seen_order || !seen_shape) fail();
    return h;
  }

 private:
  [[noreturn]] void fail() const { fail_input(what_ + " has a damaged header: it is not a numpy array"); }
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) ++at_;
  }
  bool accept(char c) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail();
  }
  std::string string() {
    const char quote = accept('\'') ? '\'' : '"';
    if (quote == '"') expect('"');
    const auto end = text_.find(quote, at_);
    if (end == std::string_view::npos) fail();
    const std::string_view s = text_.substr(at_, end - at_);
    // The three keys and the type strings need no escapes and no letters beyond ASCII.
    if (std::any_of(s.begin(), s.end(), [](char c) { return c < 0x20 || c > 0x7e || c == '\\'; })) fail();
    at_ = end + 1;
    return std::string(s);
  }
  std::string descr() {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != '[') return string();
    // A structured type is a list of pairs. It is refused, so only its end matters.
    int depth = 0;
    do {
      depth += text_[at_] == '[' || text_[at_] == '(';
      depth -= text_[at_] == ']' || text_[at_] == ')';
      ++at_;
    } while (depth > 0 && at_ < text_.size());
    if (depth != 0) fail();
    return "V";
  }
  bool boolean() {
    skip_space();
    for (const auto& [word, value] : {std::pair{std::string_view("True"), true}, {std::string_view("False"), false}}) {
      if (text_.substr(at_, word.size()) == word) {
        at_ += word.size();
        return value;
      }
    }
    fail();
  }
  std::uint64_t integer() {
    skip_space();
    const auto end = std::min(text_.find_first_not_of("0123456789", at_), text_.size());
    const auto n = parse_u64(text_.substr(at_, end - at_));
    if (!n) fail();
    at_ = end;
    if (at_ < text_.size() && text_[at_] == 'L') ++at_;  // Python 2 wrote long integers so
    return *n;
  }
  std::vector<std::uint64_t> tuple() {
    std::vector<std::uint64_t> shape;
    expect('(');
    while (!accept(')')) {
      if (shape.size() == most_dimensions) fail();
      shape.push_back(integer());
      if (accept(',')) continue;
      if (shape.size() < 2) fail();  // "(3)" is a number, not a tuple
      expect(')');
      break;
    }
    return shape;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  const std::string& what_;
};

std::string shape_text(std::span<const std::uint64_t> shape) {
  std::string s = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) s += ' ';
    s += std::to_string(shape[i]) + ',';
  }
  if (shape.size() > 1) s.pop_back();
  return s + ')';
}

}  // namespace

std::uint64_t NpyHeader::data_bytes() const { return product(shape) * type.item_bytes; }

NpyHeader parse_npy_literal(std::string_view text, const std::string& what) {
  return LiteralParser(text, what).parse();
}

NpyHeader read_npy_header(const ByteSource& source, const std::string& what) {
  if (source.size() < magic.size() + 4) fail_input(what + " is truncated: too short for a numpy array");
  const ByteVector start = source.read(0, std::min<std::uint64_t>(source.size(), 12));
  if (!as_text(start).starts_with(magic)) fail_input(what + " is not a numpy array: it does not start with \\x93NUMPY");
  const auto version = std::to_integer<int>(start[6]);
  if (version < 1 || version > 3 || start[7] != std::byte{0})
    fail_input(what + " has numpy format version " + std::to_string(version) + "." +
               std::to_string(std::to_integer<int>(start[7])) + ": known are 1.0, 2.0 and 3.0");
  ByteReader lengths(ByteSpan(start).subspan(8), what);
  const std::uint64_t length = version == 1 ? lengths.get<std::uint16_t>() : lengths.get<std::uint32_t>();
  const std::uint64_t begin = version == 1 ? 10 : 12;
  if (length > longest_header || length > source.size() - begin)
    fail_input(what + " is damaged: a header of " + std::to_string(length) + " bytes in " +
               std::to_string(source.size()) + " bytes");
  const ByteVector literal = source.read(begin, length);
  NpyHeader h = parse_npy_literal(as_text(literal), what);
  h.data_offset = begin + length;
  h.type = parse_descr(h.descr);
  if (h.type.kind == Descr::Kind::Refused)
    fail_input(what + " has dtype " + quoted_name(h.descr) + ": " + h.type.refusal);
  if (!padded_bytes(h.shape, h.type.item_bytes))
    fail_input(what + " is damaged: the shape " + shape_text(h.shape) + " is absurd");
  const std::uint64_t there = source.size() - h.data_offset;
  if (there != h.data_bytes())
    fail_input(what + (there < h.data_bytes() ? " is truncated: " : " is damaged: ") + "shape " + shape_text(h.shape) +
               " of " + quoted_name(h.descr) + " is " + std::to_string(h.data_bytes()) + " bytes, " +
               std::to_string(there) + " are there");
  return h;
}

std::string make_npy_header(std::string_view descr, bool fortran_order, std::span<const std::uint64_t> shape) {
  std::string literal = "{'descr': '" + std::string(descr) +
                        "', 'fortran_order': " + (fortran_order ? "True" : "False") +
                        ", 'shape': " + shape_text(shape) + ", }";
  // numpy leaves room for the growing axis to reach 21 digits, so that appending can rewrite the header in place.
  if (!shape.empty()) {
    const std::size_t digits = std::to_string(fortran_order ? shape.back() : shape.front()).size();
    literal.append(21 - digits, ' ');
  }
  const std::size_t prefix = magic.size() + 4;
  literal.append(64 - (prefix + literal.size() + 1) % 64, ' ');
  literal += '\n';
  std::string header(magic);
  header += '\x01';
  header += '\0';
  header += static_cast<char>(literal.size() & 0xff);
  header += static_cast<char>(literal.size() >> 8);
  return header + literal;
}

}  // namespace haywatt::data
