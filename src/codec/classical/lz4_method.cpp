// LZ4 blocks (https://lz4.org) behind the shared column codec.
#include <lz4.h>
#include <lz4hc.h>

#include "codec/classical/methods.hpp"
#include "codec/classical/packed_codec.hpp"
#include "codec/options.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/base/operator.hpp"

namespace haywatt {
namespace {

constexpr int default_level = 0;

class Lz4Compressor : public ByteCompressor {
 public:
  explicit Lz4Compressor(int level) : level_(level) {}

  [[nodiscard]] std::optional<ByteVector> compress(ByteSpan raw, unsigned) const override {
    if (raw.size() > LZ4_MAX_INPUT_SIZE) return std::nullopt;
    const ScopedOperator op({"lz4 compress", "", ""}, moved_bytes(raw.size(), -1.0));
    // Room for less than the input: a block that does not shrink is stored.
    ByteVector out(raw.size() - 1);
    const auto* from = reinterpret_cast<const char*>(raw.data());
    auto* to = reinterpret_cast<char*>(out.data());
    const int raw_size = static_cast<int>(raw.size());
    const int room = static_cast<int>(out.size());
    const int size = level_ == 0 ? LZ4_compress_default(from, to, raw_size, room)
                                 : LZ4_compress_HC(from, to, raw_size, room, level_);
    if (size <= 0) return std::nullopt;
    out.resize(static_cast<std::size_t>(size));
    return out;
  }

  void decompress(ByteSpan stream, std::span<std::byte> out, unsigned) const override {
    if (stream.size() > LZ4_MAX_INPUT_SIZE || out.size() > LZ4_MAX_INPUT_SIZE)
      fail_input("damaged lz4 stream: a block of more than 2 GB");
    const ScopedOperator op({"lz4 decompress", "", ""}, moved_bytes(stream.size(), static_cast<double>(out.size())));
    const int size =
        LZ4_decompress_safe(reinterpret_cast<const char*>(stream.data()), reinterpret_cast<char*>(out.data()),
                            static_cast<int>(stream.size()), static_cast<int>(out.size()));
    if (size < 0 || static_cast<std::size_t>(size) != out.size()) fail_input("damaged lz4 stream");
  }

 private:
  int level_;
};

class Lz4Method : public ColumnMethod {
 public:
  [[nodiscard]] std::string name() const override { return "lz4"; }
  [[nodiscard]] std::string description() const override {
    return "LZ4 on byte planes of narrow integers, lattice indices or rounded floats";
  }
  [[nodiscard]] bool supports(BoundKind kind) const override { return kind != BoundKind::None; }
  [[nodiscard]] std::vector<OptionInfo> options() const override {
    return {{"level", "0 (fast) or 1 to 12 (high compression, slower to write, as fast to read)",
             std::to_string(default_level)}};
  }
  [[nodiscard]] std::string version() const override { return std::string("lz4 ") + LZ4_versionString(); }

 protected:
  [[nodiscard]] std::unique_ptr<ColumnCodec> make_codec(const MethodSpec& spec) const override {
    const auto level = integer_option(spec, "level", default_level, 0, LZ4HC_CLEVEL_MAX);
    return std::make_unique<PackedCodec>(std::make_unique<Lz4Compressor>(static_cast<int>(level)));
  }
  [[nodiscard]] std::unique_ptr<ColumnCodec> make_decoding_codec() const override {
    return std::make_unique<PackedCodec>(std::make_unique<Lz4Compressor>(default_level));
  }
};

}  // namespace

std::unique_ptr<Method> make_lz4_method() { return std::make_unique<Lz4Method>(); }

}  // namespace haywatt
