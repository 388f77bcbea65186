/// Where the parts of a zip archive lie and its records: stored members, whose sizes are known beforehand, or deflated
/// ones, one after another.
/// Laid out as Python's zipfile does for numpy.savez: zip64 fields in every local header, in the directory where
/// needed. Source: as in zip_directory.hpp.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "haywatt/base/bytes.hpp"

namespace haywatt::data {

class ZipLayout {
 public:
  /// Adds a stored member after those before; returns its index. Names must be unique and at most 65,535 bytes.
  std::size_t add(std::string name, std::uint64_t size_bytes);
  /// Adds a deflated member of `size_bytes` once inflated. What it takes in the archive is told by set_packed(), before
  /// the next member is added.
  std::size_t add_deflated(std::string name, std::uint64_t size_bytes);
  void set_packed(std::size_t member, std::uint64_t packed_bytes);
  [[nodiscard]] std::uint64_t data_offset(std::size_t member) const { return members_[member].data_offset; }
  [[nodiscard]] std::uint64_t local_offset(std::size_t member) const { return members_[member].local_offset; }
  [[nodiscard]] std::uint64_t directory_offset() const { return end_; }
  void set_crc(std::size_t member, std::uint32_t crc) { members_[member].crc = crc; }
  [[nodiscard]] ByteVector local_header(std::size_t member) const;
  /// Directory and end records, for directory_offset().
  [[nodiscard]] ByteVector directory() const;

 private:
  struct Member {
    std::string name;
    std::uint64_t size = 0, packed = 0, local_offset = 0, data_offset = 0;
    std::uint32_t crc = 0;
    bool deflated = false;
  };
  std::vector<Member> members_;
  std::uint64_t end_ = 0;
};

}  // namespace haywatt::data
