/// Opens .npz and .npy files. Every member's CRC-32 is checked here, once, before any value is handed out: stored
/// members by one sequential pass over their bytes, deflated ones while they are inflated. A bare .npy has no checksum.
#include <algorithm>

#include "data/array_table.hpp"
#include "data/inflate.hpp"
#include "data/utf8.hpp"
#include "data/zip_directory.hpp"
#include "haywatt/base/error.hpp"

namespace haywatt::data {
namespace {

constexpr std::string_view npy_suffix = ".npy";

std::shared_ptr<const ByteSource> inflate_member(const ByteSource& packed, const ZipMember& m, const std::string& what,
                                                 std::uint64_t memory_allowance) {
  Spool spool(memory_allowance);
  std::uint32_t crc = 0;
  inflate(packed, DeflateFormat::Raw, what, [&](ByteSpan piece) {
    if (piece.size() > m.size_bytes - spool.size())
      fail_input(what + " is damaged: it holds more than the " + std::to_string(m.size_bytes) +
                 " bytes that the zip directory says");
    crc = crc32_update(crc, piece);
    spool.append(piece);
  });
  if (spool.size() != m.size_bytes || crc != m.crc) fail_input(what + " is damaged: its checksum or size is wrong");
  return spool.finish();
}

}  // namespace

std::vector<NamedArray> open_npz_arrays(const std::string& path, const ReadOptions& options) {
  const auto file = std::make_shared<const InputFile>(path);
  const std::vector<ZipMember> members = read_zip_directory(FileRange(file), path);
  std::vector<NamedArray> arrays;
  std::uint64_t allowance = options.memory_bytes;
  for (const ZipMember& m : members) {
    if (!m.name.ends_with(npy_suffix))
      fail_input(path + ": member " + quoted_name(m.name) + " is not a numpy array (.npy): take it out");
    NamedArray a;
    a.key = m.name.substr(0, m.name.size() - npy_suffix.size());
    const std::string what = path + ": array " + quoted_name(a.key);
    const auto packed = std::make_shared<const FileRange>(file, m.data_offset, m.packed_bytes);
    if (m.deflated) {
      a.bytes = inflate_member(*packed, m, what, allowance);
      allowance -= std::min(allowance, a.bytes->memory_bytes());
    } else {
      a.bytes = packed;
    }
    a.header = read_npy_header(*a.bytes, what);  // before the pass over a stored member: a wrong dtype shows at once
    if (!m.deflated && crc32_of(*packed) != m.crc) fail_input(what + " is damaged: its checksum is wrong");
    arrays.push_back(std::move(a));
  }
  return arrays;
}

std::unique_ptr<TableReader> open_npz(const std::string& path, const ReadOptions& options) {
  return make_array_table(path, "npz", InputFile(path).size(), open_npz_arrays(path, options), options.memory_bytes);
}

std::unique_ptr<TableReader> open_npy(const std::string& path, const ReadOptions& options) {
  const auto file = std::make_shared<const InputFile>(path);
  NamedArray a;
  a.bytes = std::make_shared<const FileRange>(file);
  a.header = read_npy_header(*a.bytes, path);
  std::vector<NamedArray> arrays;
  arrays.push_back(std::move(a));
  return make_array_table(path, "npy", file->size(), arrays, options.memory_bytes);
}

}  // namespace haywatt::data
