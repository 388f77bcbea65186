#include "haywatt/data/gzip_file.hpp"

#include <zlib.h>

#include <algorithm>
#include <new>

#include "data/byte_source.hpp"
#include "data/inflate.hpp"
#include "haywatt/base/error.hpp"

namespace haywatt {
namespace {

constexpr std::size_t buffer_bytes = std::size_t{256} << 10;

}  // namespace

ByteVector read_gzip_file(const std::string& path, std::uint64_t limit) {
  const auto file = std::make_shared<const InputFile>(path);
  ByteVector out;
  data::inflate(data::FileRange(file), data::DeflateFormat::Gzip, path, [&](ByteSpan piece) {
    if (piece.size() > limit - std::min<std::uint64_t>(limit, out.size()))
      fail_input(path + " holds more than the " + std::to_string(limit) + " bytes that it could need");
    out.insert(out.end(), piece.begin(), piece.end());
  });
  return out;
}

struct GzipFileWriter::Parts {
  Parts(const std::string& path, AtomicFile::Existing existing) : file(path, existing), buffer(buffer_bytes) {
    // 15 bits of window; +16: a gzip wrapper, without name or time, so that the same bytes give the same file.
    if (::deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
      throw std::bad_alloc();
  }
  ~Parts() { ::deflateEnd(&z); }
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;

  void run(ByteSpan bytes, int flush) {
    z.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(bytes.data()));
    z.avail_in = static_cast<uInt>(bytes.size());
    do {
      z.next_out = reinterpret_cast<Bytef*>(buffer.data());
      z.avail_out = static_cast<uInt>(buffer.size());
      ::deflate(&z, flush);
      file.append(ByteSpan(buffer).first(buffer.size() - z.avail_out));
    } while (z.avail_out == 0);
  }

  AtomicFile file;
  z_stream z{};
  ByteVector buffer;
  bool finished = false;
};

GzipFileWriter::GzipFileWriter(const std::string& path, AtomicFile::Existing existing)
    : parts_(std::make_unique<Parts>(path, existing)) {}
GzipFileWriter::~GzipFileWriter() = default;

void GzipFileWriter::write(ByteSpan bytes) {
  constexpr std::size_t most = std::size_t{1} << 30;  // zlib counts in 32 bits
  for (; bytes.size() > most; bytes = bytes.subspan(most)) parts_->run(bytes.first(most), Z_NO_FLUSH);
  parts_->run(bytes, Z_NO_FLUSH);
}

void GzipFileWriter::finish() {
  if (parts_->finished) return;
  parts_->run({}, Z_FINISH);
  parts_->finished = true;
}

void GzipFileWriter::commit() {
  finish();
  parts_->file.commit();
}

std::uint64_t GzipFileWriter::file_bytes() const { return parts_->file.size(); }

}  // namespace haywatt
