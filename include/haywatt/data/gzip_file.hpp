/// Whole gzip files.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "haywatt/base/bytes.hpp"
#include "haywatt/base/file.hpp"

namespace haywatt {

/// What a gzip file holds. Error(BadInput) on damage, or if it is more than `limit` bytes.
[[nodiscard]] ByteVector read_gzip_file(const std::string& path, std::uint64_t limit);

/// Writes one piece by piece; it appears at commit(). finish() writes all that is left, so that of several files all
/// can be whole before the first appears. Not thread-safe.
class GzipFileWriter {
 public:
  GzipFileWriter(const std::string& path, AtomicFile::Existing existing);
  ~GzipFileWriter();
  GzipFileWriter(const GzipFileWriter&) = delete;
  GzipFileWriter& operator=(const GzipFileWriter&) = delete;
  void write(ByteSpan bytes);
  void finish();
  void commit();                                   ///< finishes first if that was not done
  [[nodiscard]] std::uint64_t file_bytes() const;  ///< so far

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace haywatt
