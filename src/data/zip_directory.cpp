#include "data/zip_directory.hpp"

#include <algorithm>
#include <unordered_set>

#include "data/checked.hpp"
#include "data/utf8.hpp"
#include "haywatt/base/error.hpp"

namespace haywatt::data {
namespace {

constexpr std::uint64_t longest_directory = std::uint64_t{256} << 20;

struct Directory {
  std::uint64_t entries = 0, offset = 0, size = 0;
};

[[noreturn]] void fail_damaged(const std::string& path, const std::string& why) {
  fail_input(path + " is damaged or truncated: " + why);
}

/// Where the end record starts: the last one whose comment reaches exactly to the end of the file.
std::uint64_t find_end_record(const ByteSource& archive, const std::string& path) {
  const std::uint64_t tail_size = std::min<std::uint64_t>(archive.size(), zip::end_bytes + 0xffff);
  const ByteVector tail = archive.read(archive.size() - tail_size, tail_size);
  for (std::size_t back = zip::end_bytes; back <= tail.size(); ++back) {
    ByteReader r(ByteSpan(tail).last(back), path);
    if (r.get<std::uint32_t>() != zip::end_signature) continue;
    r.get_bytes(16);
    if (r.get<std::uint16_t>() == back - zip::end_bytes) return archive.size() - back;
  }
  fail_damaged(path, "no zip directory at its end");
}

Directory read_end_records(const ByteSource& archive, const std::string& path) {
  const std::uint64_t end_at = find_end_record(archive, path);
  const ByteVector end = archive.read(end_at, zip::end_bytes);
  ByteReader r(end, path);
  r.get<std::uint32_t>();
  const auto disk = r.get<std::uint16_t>();
  const auto directory_disk = r.get<std::uint16_t>();
  const auto entries_here = r.get<std::uint16_t>();
  Directory d;
  d.entries = r.get<std::uint16_t>();
  d.size = r.get<std::uint32_t>();
  d.offset = r.get<std::uint32_t>();
  if (disk != directory_disk || entries_here != d.entries) fail_damaged(path, "a zip archive of several disks");

  std::uint64_t directory_end = end_at;
  if (end_at >= zip::locator64_bytes + zip::end64_bytes) {
    const ByteVector locator = archive.read(end_at - zip::locator64_bytes, zip::locator64_bytes);
    ByteReader l(locator, path);
    if (l.get<std::uint32_t>() == zip::locator64_signature) {
      l.get<std::uint32_t>();
      directory_end = l.get<std::uint64_t>();
      if (directory_end > end_at - zip::locator64_bytes - zip::end64_bytes) fail_damaged(path, "bad zip64 locator");
      const ByteVector end64 = archive.read(directory_end, zip::end64_bytes);
      ByteReader e(end64, path);
      if (e.get<std::uint32_t>() != zip::end64_signature) fail_damaged(path, "bad zip64 end record");
      e.get_bytes(20);  // its own length, versions, disks
      const auto entries_here64 = e.get<std::uint64_t>();
      d.entries = e.get<std::uint64_t>();
      d.size = e.get<std::uint64_t>();
      d.offset = e.get<std::uint64_t>();
      if (entries_here64 != d.entries) fail_damaged(path, "a zip archive of several disks");
    }
  }
  // Equality also refuses archives glued behind something else, and finds bytes lost or inserted anywhere before.
  if (d.offset > directory_end || d.size != directory_end - d.offset) fail_damaged(path, "misplaced zip directory");
  if (d.size > longest_directory || d.entries > d.size / zip::central_bytes) fail_damaged(path, "absurd zip directory");
  return d;
}

/// 64-bit sizes stand in extra field 1, each only where the 32-bit one is full, in this order.
void apply_extra64(ByteSpan extra, bool size_full, bool packed_full, bool offset_full, ZipMember& m,
                   std::uint64_t& local_offset, const std::string& path) {
  if (!size_full && !packed_full && !offset_full) return;
  ByteReader r(extra, path);
  while (r.remaining() >= 4) {
    const auto id = r.get<std::uint16_t>();
    const ByteSpan body = r.get_bytes(r.get<std::uint16_t>());
    if (id != zip::extra64_id) continue;
    ByteReader b(body, path);
    if (size_full) m.size_bytes = b.get<std::uint64_t>();
    if (packed_full) m.packed_bytes = b.get<std::uint64_t>();
    if (offset_full) local_offset = b.get<std::uint64_t>();
    return;
  }
  fail_damaged(path, "a zip64 record is missing");
}

struct Entry {
  ZipMember member;
  std::uint64_t local_offset = 0;
};

Entry read_entry(ByteReader& r, const std::string& path) {
  if (r.get<std::uint32_t>() != zip::central_signature) fail_damaged(path, "bad entry in the zip directory");
  r.get<std::uint32_t>();  // versions
  const auto flags = r.get<std::uint16_t>();
  const auto method = r.get<std::uint16_t>();
  r.get<std::uint32_t>();  // time and date
  Entry e;
  e.member.crc = r.get<std::uint32_t>();
  const auto packed = r.get<std::uint32_t>();
  const auto size = r.get<std::uint32_t>();
  const auto name_bytes = r.get<std::uint16_t>();
  const auto extra_bytes = r.get<std::uint16_t>();
  const auto comment_bytes = r.get<std::uint16_t>();
  r.get_bytes(8);  // disk, attributes
  const auto offset = r.get<std::uint32_t>();
  e.member.name = std::string(as_text(r.get_bytes(name_bytes)));
  e.member.packed_bytes = packed;
  e.member.size_bytes = size;
  e.local_offset = offset;
  if (!is_utf8(e.member.name)) fail_damaged(path, "a member's name is not UTF-8");
  apply_extra64(r.get_bytes(extra_bytes), size == zip::full32, packed == zip::full32, offset == zip::full32, e.member,
                e.local_offset, path);
  r.get_bytes(comment_bytes);

  const std::string what = path + ": member " + quoted_name(e.member.name);
  if ((flags & 0x2041) != 0) fail_input(what + " is encrypted: save it without a password");
  if (method != 0 && method != 8)
    fail_input(what + " uses zip method " + std::to_string(method) + ": numpy writes stored (0) or deflated (8)");
  e.member.deflated = method == 8;
  if (!e.member.deflated && e.member.packed_bytes != e.member.size_bytes)
    fail_damaged(path, "two sizes of the stored member " + quoted_name(e.member.name));
  // Deflate cannot shrink by more than 1032 (https://zlib.net/zlib_tech.html), so no header can ask for more memory
  // than the file justifies.
  if (e.member.deflated && e.member.size_bytes / 1032 > e.member.packed_bytes)
    fail_damaged(path, "member " + quoted_name(e.member.name) + " claims an impossible size");
  return e;
}

void locate_data(const ByteSource& archive, Entry& e, const std::string& path) {
  const ByteVector local = archive.read(e.local_offset, zip::local_bytes);
  ByteReader r(local, path);
  const auto signature = r.get<std::uint32_t>();
  r.get_bytes(4);  // version, flags
  const auto method = r.get<std::uint16_t>();
  r.get_bytes(16);  // time, CRC and sizes, which stand in the directory
  const auto name_bytes = r.get<std::uint16_t>();
  const auto extra_bytes = r.get<std::uint16_t>();
  const ByteVector name = archive.read(e.local_offset + zip::local_bytes, name_bytes);
  if (signature != zip::local_signature || method != (e.member.deflated ? 8 : 0) || as_text(name) != e.member.name)
    fail_damaged(path, "member " + quoted_name(e.member.name) + " is not where the zip directory says");
  e.member.data_offset = e.local_offset + zip::local_bytes + name_bytes + extra_bytes;
}

}  // namespace

std::vector<ZipMember> read_zip_directory(const ByteSource& archive, const std::string& path) {
  if (archive.size() < zip::end_bytes) fail_damaged(path, "too short for an npz (zip) file");
  const Directory d = read_end_records(archive, path);
  const ByteVector bytes = archive.read(d.offset, d.size);
  ByteReader r(bytes, path);
  std::vector<Entry> entries;
  std::unordered_set<std::string> names;
  for (std::uint64_t i = 0; i < d.entries; ++i) {
    Entry e = read_entry(r, path);
    if (!names.insert(e.member.name).second)
      fail_input(path + " holds two members named " + quoted_name(e.member.name) + ": rename one");
    if (e.local_offset > d.offset || d.offset - e.local_offset < zip::local_bytes)
      fail_damaged(path, "member " + quoted_name(e.member.name) + " lies outside the file");
    locate_data(archive, e, path);
    entries.push_back(std::move(e));
  }
  r.expect_end();

  std::vector<const Entry*> by_offset;
  by_offset.reserve(entries.size());
  for (const Entry& e : entries) by_offset.push_back(&e);
  std::sort(by_offset.begin(), by_offset.end(),
            [](const Entry* a, const Entry* b) { return a->local_offset < b->local_offset; });
  for (std::size_t i = 0; i < by_offset.size(); ++i) {
    const ZipMember& m = by_offset[i]->member;
    const std::uint64_t limit = i + 1 < by_offset.size() ? by_offset[i + 1]->local_offset : d.offset;
    if (m.data_offset > limit || m.packed_bytes > limit - m.data_offset)
      fail_damaged(path, "member " + quoted_name(m.name) + " overlaps what follows it");
  }
  std::vector<ZipMember> members;
  members.reserve(entries.size());
  for (Entry& e : entries) members.push_back(std::move(e.member));
  return members;
}

}  // namespace haywatt::data
