/// Files: positional reads, and writes that leave the old file or the new one, never a half.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "haywatt/base/bytes.hpp"

namespace haywatt {

/// A file opened for reading at any offset. Thread-safe (pread).
class InputFile {
 public:
  explicit InputFile(
      const std::string& path);  ///< Error(System) if it cannot be opened, Error(BadInput) if a directory
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::uint64_t size() const { return size_; }
  /// Exactly `out.size()` bytes from `offset`; Error(BadInput) "truncated" if the file is shorter.
  void read_at(std::uint64_t offset, std::span<std::byte> out) const;
  [[nodiscard]] ByteVector read_at(std::uint64_t offset, std::uint64_t size) const;

 private:
  std::string path_;
  int fd_ = -1;
  std::uint64_t size_ = 0;
};

/// A file that appears under its name only at commit(), whole, after fsync. Until then it has no name at all where the
/// file system supports O_TMPFILE, so that a kill leaves nothing behind; elsewhere a hidden temporary beside the
/// target. write_at and append may be called by several threads at once for disjoint ranges; other members by one.
class AtomicFile {
 public:
  enum class Existing { Refuse, Replace };
  /// Error(Usage) if the target exists and `Refuse`, Error(System) if the folder cannot be written.
  explicit AtomicFile(const std::string& path, Existing existing = Existing::Refuse);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  void write_at(std::uint64_t offset, ByteSpan bytes);
  /// Writes at the end and returns the offset it was written at.
  std::uint64_t append(ByteSpan bytes);
  [[nodiscard]] std::uint64_t size() const { return end_; }
  void commit();
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::string temporary_;  ///< empty while the file has no name
  Existing existing_;
  int fd_ = -1;
  std::uint64_t end_ = 0;
};

/// XXH3 64-bit checksum with seed 0 of the whole file, read in pieces.
[[nodiscard]] std::uint64_t xxh3_of_file(const std::string& path);

/// The whole file as text; Error as InputFile. Error(BadInput) if larger than `limit` bytes.
[[nodiscard]] std::string read_text_file(const std::string& path, std::uint64_t limit = std::uint64_t{1} << 30);
/// Replaces `path` atomically by `text`.
void write_text_file(const std::string& path, std::string_view text);

}  // namespace haywatt
