#include "data/utf8.hpp"

#include <cstdint>

namespace haywatt::data {
namespace {

void append_code_point(std::string& out, std::uint32_t c) {
  if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) c = 0xfffd;
  const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xc0 | c >> 6);
    put(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    put(0xe0 | c >> 12);
    put(0x80 | (c >> 6 & 0x3f));
    put(0x80 | (c & 0x3f));
  } else {
    put(0xf0 | c >> 18);
    put(0x80 | (c >> 12 & 0x3f));
    put(0x80 | (c >> 6 & 0x3f));
    put(0x80 | (c & 0x3f));
  }
}

}  // namespace

bool is_utf8(std::string_view text) noexcept {
  std::size_t i = 0;
  while (i < text.size()) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t more = lead < 0x80 ? 0 : lead >= 0xc2 && lead < 0xe0 ? 1 : lead >= 0xe0 && lead < 0xf0 ? 2 : 3;
    if (more == 3 && (lead < 0xf0 || lead > 0xf4)) return false;
    if (text.size() - i <= more) return false;
    std::uint32_t c = more == 0 ? lead : lead & (0x3fU >> more);
    for (std::size_t k = 1; k <= more; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if ((next & 0xc0) != 0x80) return false;
      c = c << 6 | (next & 0x3fU);
    }
    if ((more == 2 && c < 0x800) || (more == 3 && (c < 0x10000 || c > 0x10ffff)) || (c >= 0xd800 && c < 0xe000))
      return false;
    i += more + 1;
  }
  return true;
}

std::string quoted_name(std::string_view name) {
  constexpr std::size_t longest = 80;
  std::string out(name.substr(0, longest));
  for (int cut = 0; cut < 3 && name.size() > longest && !is_utf8(out); ++cut) out.pop_back();
  const bool clean = is_utf8(out);
  for (char& c : out) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f || (byte >= 0x80 && !clean)) c = '?';
  }
  return "'" + out + (out.size() < name.size() ? "..." : "") + "'";
}

std::string decode_text_item(ByteSpan item, const Descr& type) {
  std::string out;
  if (type.text_kind == 'S') {
    std::string_view text = as_text(item);
    text = text.substr(0, text.find_last_not_of('\0') + 1);
    if (is_utf8(text)) return std::string(text);
    for (const char c : text) append_code_point(out, static_cast<unsigned char>(c));
    return out;
  }
  std::size_t used = item.size();
  while (used >= 4 && item[used - 1] == std::byte{0} && item[used - 2] == std::byte{0} &&
         item[used - 3] == std::byte{0} && item[used - 4] == std::byte{0})
    used -= 4;
  for (std::size_t i = 0; i + 4 <= used; i += 4) {
    std::uint32_t c = 0;
    std::memcpy(&c, item.data() + i, 4);
    append_code_point(out, type.big_endian ? __builtin_bswap32(c) : c);
  }
  return out;
}

}  // namespace haywatt::data
