/// UTF-8: checks, and the fixed-width strings of numpy.
#pragma once
#include <string>
#include <string_view>

#include "data/descr.hpp"

namespace haywatt::data {

/// No overlong forms, no surrogates, nothing beyond U+10FFFF.
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;
/// 'name' for a message: at most 80 bytes of it, anything but printable ASCII and UTF-8 replaced by '?', so that a name
/// from a file can neither break the line nor command the terminal.
[[nodiscard]] std::string quoted_name(std::string_view name);
/// One item of a 'U' or 'S' array as UTF-8, without the NULs that pad it. Invalid UTF-32 becomes U+FFFD; bytes that are
/// not UTF-8 are read as Latin-1.
[[nodiscard]] std::string decode_text_item(ByteSpan item, const Descr& type);

}  // namespace haywatt::data
