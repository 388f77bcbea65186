#include "codec/baler/autoencoder.hpp"

#include <algorithm>
#include <utility>

#include "codec/baler/model_io.hpp"
#include "codec/baler/network.hpp"
#include "codec/baler/packing.hpp"
#include "codec/baler/scalars.hpp"

namespace haywatt::baler {
namespace {

template <class U>
class TypedAutoencoder final : public Autoencoder {
 public:
  TypedAutoencoder(const std::vector<Linear>& encoder, const std::vector<Linear>& decoder,
                   std::vector<FeatureColumn> features)
      : encoder_(encoder), decoder_(decoder), features_(std::move(features)) {}

  ByteVector latents(const std::vector<ByteSpan>& columns, std::uint64_t rows) const override {
    const std::size_t z = decoder_.inputs();
    ByteVector out(static_cast<std::size_t>(rows) * z * sizeof(U));
    AlignedBuffer<U> x(encoder_.inputs() * block), y(z * block);
    auto scratch = encoder_.make_scratch();
    for (std::size_t first = 0; first < rows; first += block) {
      const std::size_t count = std::min<std::size_t>(block, rows - first);
      std::size_t at = 0;
      for (std::size_t i = 0; i < features_.size(); ++i) {
        const FeatureColumn& f = features_[i];
        const std::byte* values = columns[i].data() + first * f.width * f.type.size;
        normalise(f, values, count, x.data() + at * block, block, 1);
        at += f.width;
      }
      encoder_.run(x.data(), y.data(), scratch);
      for (std::size_t r = 0; r < count; ++r)
        for (std::size_t j = 0; j < z; ++j)
          std::memcpy(out.data() + ((first + r) * z + j) * sizeof(U), y.data() + j * block + r, sizeof(U));
    }
    return out;
  }

  void reconstruct(ByteSpan latents, std::uint64_t rows, const std::vector<std::byte*>& columns) const override {
    const std::size_t z = decoder_.inputs();
    AlignedBuffer<U> x(z * block), y(decoder_.outputs() * block);
    auto scratch = decoder_.make_scratch();
    for (std::size_t first = 0; first < rows; first += block) {
      const std::size_t count = std::min<std::size_t>(block, rows - first);
      for (std::size_t r = 0; r < count; ++r)
        for (std::size_t j = 0; j < z; ++j)
          std::memcpy(x.data() + j * block + r, latents.data() + ((first + r) * z + j) * sizeof(U), sizeof(U));
      decoder_.run(x.data(), y.data(), scratch);
      std::size_t at = 0;
      for (std::size_t i = 0; i < features_.size(); ++i) {
        const FeatureColumn& f = features_[i];
        if (columns[i] != nullptr)
          unnormalise(f, y.data() + at * block, count, block, columns[i] + first * f.width * f.type.size);
        at += f.width;
      }
    }
  }

  std::size_t latent_bytes() const override { return sizeof(U); }

 private:
  static constexpr std::size_t block = block_rows<U>;
  Network<U> encoder_, decoder_;
  std::vector<FeatureColumn> features_;
};

template <class U>
ByteVector round_latents(ByteSpan latents, int bits) {
  ByteVector out(latents.size() / sizeof(U) * sizeof(float));
  for (std::size_t i = 0; i < latents.size() / sizeof(U); ++i) {
    const float value = round_mantissa(static_cast<double>(load<U>(latents.data() + i * sizeof(U))), bits);
    std::memcpy(out.data() + i * sizeof(float), &value, sizeof value);
  }
  return out;
}

}  // namespace

std::unique_ptr<Autoencoder> make_autoencoder(const std::vector<Linear>& encoder, const std::vector<Linear>& decoder,
                                              bool float32, std::vector<FeatureColumn> features) {
  if (float32) return std::make_unique<TypedAutoencoder<float>>(encoder, decoder, std::move(features));
  return std::make_unique<TypedAutoencoder<double>>(encoder, decoder, std::move(features));
}

ByteVector pack_latents(ByteSpan latents, std::size_t latent_bytes, int bits, int level) {
  if (bits == raw_latents) return {latents.begin(), latents.end()};
  const ByteVector rounded =
      latent_bytes == sizeof(float) ? round_latents<float>(latents, bits) : round_latents<double>(latents, bits);
  return zstd_pack(shuffle(rounded, sizeof(float)), level);
}

ByteVector unpack_latents(ByteSpan stream, std::size_t latent_bytes, int bits, std::uint64_t count) {
  if (bits == raw_latents) {
    if (stream.size() / latent_bytes != count || stream.size() % latent_bytes != 0)
      fail_input("baler stream is damaged: the latents are not those of its rows");
    return {stream.begin(), stream.end()};
  }
  ByteVector singles = unshuffle(zstd_unpack(stream, count * sizeof(float)), sizeof(float));
  if (latent_bytes == sizeof(float)) return singles;
  ByteVector out(static_cast<std::size_t>(count) * sizeof(double));
  for (std::size_t i = 0; i < count; ++i) {
    const double value = static_cast<double>(load<float>(singles.data() + i * sizeof(float)));
    std::memcpy(out.data() + i * sizeof(double), &value, sizeof value);
  }
  return out;
}

}  // namespace haywatt::baler
