/// The members of a zip archive and where their bytes lie.
/// Source: PKWARE APPNOTE 6.3.10, https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
///
/// Not libzip, because it keeps the offset of a stored member to itself, which reading in place from several threads
/// needs. Only what numpy writes is read: one disk, stored or deflated, no encryption, zip64 or not.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "data/byte_source.hpp"

namespace haywatt::data {

struct ZipMember {
  std::string name;  ///< UTF-8
  bool deflated = false;
  std::uint32_t crc = 0;           ///< CRC-32 of the bytes after inflating
  std::uint64_t packed_bytes = 0;  ///< in the archive
  std::uint64_t size_bytes = 0;    ///< after inflating, as the directory claims: to be checked
  std::uint64_t data_offset = 0;   ///< of the packed bytes in the archive; they lie inside it and overlap no other's
};

/// In the directory's order. Error(BadInput) on truncation, damage, duplicate names, overlapping members, encryption,
/// unknown methods; every line starts with `path`. Memory: the directory's size.
[[nodiscard]] std::vector<ZipMember> read_zip_directory(const ByteSource& archive, const std::string& path);

namespace zip {
inline constexpr std::uint32_t local_signature = 0x04034b50;
inline constexpr std::uint32_t central_signature = 0x02014b50;
inline constexpr std::uint32_t end_signature = 0x06054b50;
inline constexpr std::uint32_t end64_signature = 0x06064b50;
inline constexpr std::uint32_t locator64_signature = 0x07064b50;
inline constexpr std::uint16_t utf8_flag = 0x0800;
inline constexpr std::uint16_t extra64_id = 1;
inline constexpr std::uint64_t local_bytes = 30, central_bytes = 46, end_bytes = 22, end64_bytes = 56,
                               locator64_bytes = 20;
inline constexpr std::uint32_t full32 = 0xffffffff;
inline constexpr std::uint16_t full16 = 0xffff;
}  // namespace zip

}  // namespace haywatt::data
