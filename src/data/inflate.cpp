#include "data/inflate.hpp"

#include <zlib.h>

#include <algorithm>
#include <new>

#include "haywatt/base/error.hpp"

namespace haywatt::data {
namespace {

constexpr std::size_t block_bytes = std::size_t{256} << 10;

class Inflater {
 public:
  explicit Inflater(DeflateFormat format) {
    // 15 bits of window; negative: no wrapper; +16: gzip.
    if (::inflateInit2(&stream, format == DeflateFormat::Raw ? -15 : 15 + 16) != Z_OK) throw std::bad_alloc();
  }
  ~Inflater() { ::inflateEnd(&stream); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  z_stream stream{};
};

}  // namespace

void inflate(const ByteSource& packed, DeflateFormat format, const std::string& what,
             const std::function<void(ByteSpan)>& sink) {
  Inflater inflater(format);
  z_stream& z = inflater.stream;
  ByteVector in(block_bytes), out(block_bytes);
  std::uint64_t at = 0;
  bool ended = false;
  while (true) {
    if (z.avail_in == 0 && at < packed.size()) {
      const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(block_bytes, packed.size() - at));
      packed.read_at(at, std::span(in).first(n));
      at += n;
      z.next_in = reinterpret_cast<Bytef*>(in.data());
      z.avail_in = static_cast<uInt>(n);
    }
    if (ended) {
      if (z.avail_in == 0) return;
      if (format == DeflateFormat::Raw) fail_input(what + " is damaged: bytes after the end of its compressed stream");
      if (::inflateReset(&z) != Z_OK) throw std::bad_alloc();
      ended = false;
    }
    z.next_out = reinterpret_cast<Bytef*>(out.data());
    z.avail_out = static_cast<uInt>(out.size());
    const int status = ::inflate(&z, Z_NO_FLUSH);
    if (status == Z_MEM_ERROR) throw std::bad_alloc();
    const std::size_t produced = out.size() - z.avail_out;
    if (status == Z_BUF_ERROR || (status == Z_OK && produced == 0 && z.avail_in == 0 && at == packed.size()))
      fail_input(what + " is truncated: its compressed stream does not end");
    if (status != Z_OK && status != Z_STREAM_END)
      fail_input(what + " is damaged: " + (z.msg != nullptr ? z.msg : "bad compressed stream"));
    if (produced > 0) sink(ByteSpan(out).first(produced));
    ended = status == Z_STREAM_END;
  }
}

std::uint32_t crc32_update(std::uint32_t crc, ByteSpan bytes) noexcept {
  return static_cast<std::uint32_t>(::crc32_z(crc, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

std::uint32_t crc32_of(const ByteSource& bytes) {
  ByteVector block(block_bytes);
  std::uint32_t crc = 0;
  for (std::uint64_t at = 0; at < bytes.size();) {
    const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(block_bytes, bytes.size() - at));
    bytes.read_at(at, std::span(block).first(n));
    crc = crc32_update(crc, ByteSpan(block).first(n));
    at += n;
  }
  return crc;
}

}  // namespace haywatt::data
