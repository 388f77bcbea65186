#include "codec/container/frame.hpp"

#include <zstd.h>

#include <memory>
#include <string>

#include "haywatt/base/error.hpp"

namespace haywatt {

ByteVector pack_frame(ByteSpan plain) {
  ByteVector out(ZSTD_compressBound(plain.size()));
  const std::size_t n = ZSTD_compress(out.data(), out.size(), plain.data(), plain.size(), 19);
  if (ZSTD_isError(n) != 0) fail_system(std::string("zstd cannot pack a section: ") + ZSTD_getErrorName(n));
  out.resize(n);
  return out;
}

ByteVector unpack_frame(ByteSpan frame, std::uint64_t limit) {
  struct Free {
    void operator()(ZSTD_DStream* s) const { ZSTD_freeDStream(s); }
  };
  const std::unique_ptr<ZSTD_DStream, Free> stream(ZSTD_createDStream());
  constexpr std::size_t step = std::size_t{1} << 16;
  ByteVector out;
  ZSTD_inBuffer in{frame.data(), frame.size(), 0};
  std::size_t left = 1;
  while (left != 0) {
    const std::size_t begin = out.size();
    if (begin > limit) fail_input("a section unpacks to more than " + std::to_string(limit) + " bytes");
    out.resize(begin + step);
    ZSTD_outBuffer piece{out.data() + begin, step, 0};
    left = ZSTD_decompressStream(stream.get(), &piece, &in);
    if (ZSTD_isError(left) != 0) fail_input(std::string("a section cannot be unpacked: ") + ZSTD_getErrorName(left));
    out.resize(begin + piece.pos);
    if (left != 0 && piece.pos == 0 && in.pos == in.size) fail_input("a section is truncated");
  }
  if (in.pos != in.size) fail_input("a section has bytes after its frame");
  return out;
}

}  // namespace haywatt
