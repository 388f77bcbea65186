#include "codec/baler/packing.hpp"

#include <zstd.h>

#include <memory>
#include <string>

#include "haywatt/base/error.hpp"
#include "haywatt/base/operator.hpp"

namespace haywatt::baler {
namespace {

// A zstd block of 4 bytes can stand for at most 128 KiB.
constexpr std::uint64_t most_expansion = 32768;

}  // namespace

ByteVector shuffle(ByteSpan bytes, std::size_t element) {
  const ScopedOperator op({"byte planes", "", ""}, moved_bytes(bytes.size(), static_cast<double>(bytes.size())));
  ByteVector out(bytes.size());
  const std::size_t count = bytes.size() / element;
  for (std::size_t k = 0; k < element; ++k) {
    std::byte* plane = out.data() + k * count;
    for (std::size_t i = 0; i < count; ++i) plane[i] = bytes[i * element + k];
  }
  return out;
}

ByteVector unshuffle(ByteSpan bytes, std::size_t element) {
  const ScopedOperator op({"byte planes back", "", ""}, moved_bytes(bytes.size(), static_cast<double>(bytes.size())));
  ByteVector out(bytes.size());
  const std::size_t count = bytes.size() / element;
  for (std::size_t k = 0; k < element; ++k) {
    const std::byte* plane = bytes.data() + k * count;
    for (std::size_t i = 0; i < count; ++i) out[i * element + k] = plane[i];
  }
  return out;
}

ByteVector zstd_pack(ByteSpan bytes, int level) {
  const ScopedOperator op({"zstd compress", "", ""}, moved_bytes(bytes.size(), -1.0));
  ByteVector out(ZSTD_compressBound(bytes.size()));
  const std::size_t size = ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), level);
  if (ZSTD_isError(size) != 0) fail_system(std::string("zstd cannot compress: ") + ZSTD_getErrorName(size));
  out.resize(size);
  return out;
}

ByteVector zstd_unpack(ByteSpan frame, std::uint64_t size) {
  if (ZSTD_getFrameContentSize(frame.data(), frame.size()) != size)
    fail_input("baler stream is damaged: its length is not that of its column");
  if (size / most_expansion > frame.size()) fail_input("baler stream is damaged: it promises more than it can hold");
  const ScopedOperator op({"zstd decompress", "", ""}, moved_bytes(frame.size(), static_cast<double>(size)));
  ByteVector out(static_cast<std::size_t>(size));
  const std::size_t got = ZSTD_decompress(out.data(), out.size(), frame.data(), frame.size());
  if (ZSTD_isError(got) != 0) fail_input(std::string("baler stream is damaged: ") + ZSTD_getErrorName(got));
  if (got != size) fail_input("baler stream is damaged: its length is not that of its column");
  return out;
}

}  // namespace haywatt::baler
