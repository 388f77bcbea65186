#include <zstd.h>

#include "codec/classical/methods.hpp"
#include "codec/classical/packed_codec.hpp"
#include "codec/classical/zstd_compressor.hpp"
#include "codec/options.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/base/operator.hpp"

namespace haywatt {
namespace {

constexpr int default_level = 3;

class ZstdCompressor : public ByteCompressor {
 public:
  explicit ZstdCompressor(int level) : level_(level) {}

  [[nodiscard]] std::optional<ByteVector> compress(ByteSpan raw, unsigned) const override {
    const ScopedOperator op({"zstd compress", "", ""}, moved_bytes(raw.size(), -1.0));
    ByteVector out(ZSTD_compressBound(raw.size()));
    const std::size_t size = ZSTD_compress(out.data(), out.size(), raw.data(), raw.size(), level_);
    if (ZSTD_isError(size) != 0) fail_system(std::string("zstd cannot compress: ") + ZSTD_getErrorName(size));
    if (size >= raw.size()) return std::nullopt;
    out.resize(size);
    return out;
  }

  void decompress(ByteSpan stream, std::span<std::byte> out, unsigned) const override {
    const ScopedOperator op({"zstd decompress", "", ""}, moved_bytes(stream.size(), static_cast<double>(out.size())));
    const std::size_t size = ZSTD_decompress(out.data(), out.size(), stream.data(), stream.size());
    if (ZSTD_isError(size) != 0) fail_input(std::string("damaged zstd stream: ") + ZSTD_getErrorName(size));
    if (size != out.size()) fail_input("damaged zstd stream: shorter than its column");
  }

 private:
  int level_;
};

class ZstdMethod : public ColumnMethod {
 public:
  [[nodiscard]] std::string name() const override { return "zstd"; }
  [[nodiscard]] std::string description() const override {
    return "Zstandard on byte planes of narrow integers, lattice indices or rounded floats";
  }
  [[nodiscard]] bool supports(BoundKind kind) const override { return kind != BoundKind::None; }
  [[nodiscard]] std::vector<OptionInfo> options() const override {
    return {{"level", "1 (fast) to 22 (small)", std::to_string(default_level)}};
  }
  [[nodiscard]] std::string version() const override { return std::string("zstd ") + ZSTD_versionString(); }

 protected:
  [[nodiscard]] std::unique_ptr<ColumnCodec> make_codec(const MethodSpec& spec) const override {
    const auto level = integer_option(spec, "level", default_level, 1, 22);
    return std::make_unique<PackedCodec>(make_zstd_compressor(static_cast<int>(level)));
  }
  [[nodiscard]] std::unique_ptr<ColumnCodec> make_decoding_codec() const override {
    return std::make_unique<PackedCodec>(make_zstd_compressor(default_level));
  }
};

}  // namespace

std::unique_ptr<const ByteCompressor> make_zstd_compressor(int level) {
  return std::make_unique<ZstdCompressor>(level);
}

std::unique_ptr<Method> make_zstd_method() { return std::make_unique<ZstdMethod>(); }

}  // namespace haywatt
