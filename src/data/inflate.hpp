/// Streams of zlib's deflate, decoded piece by piece, and CRC-32.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "data/byte_source.hpp"

namespace haywatt::data {

enum class DeflateFormat { Raw, Gzip };

/// Hands the decoded bytes of `packed` to `sink` in pieces of at most 256 KiB. Gzip: one or more members, each with its
/// checksum. Error(BadInput), the line starting with `what`, on damage, truncation or bytes after the end.
void inflate(const ByteSource& packed, DeflateFormat format, const std::string& what,
             const std::function<void(ByteSpan)>& sink);

/// CRC-32 of all bytes, read in pieces.
[[nodiscard]] std::uint32_t crc32_of(const ByteSource& bytes);
[[nodiscard]] std::uint32_t crc32_update(std::uint32_t crc, ByteSpan bytes) noexcept;

}  // namespace haywatt::data
