#include "codec/baler/autoencoder.hpp"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "codec/baler/model_io.hpp"
#include "codec/baler/network.hpp"
#include "codec/baler/packing.hpp"
#include "codec/baler/scalars.hpp"
#include "codec/baler/step_times.hpp"
#include "haywatt/base/operator.hpp"

namespace haywatt::baler {
namespace {

/// The steps of a block, timed while somebody profiles.
template <class U>
class BlockProfile {
 public:
  BlockProfile(std::string_view name, std::size_t steps)
      : whole_({name, "", dtype_name<U>()}, {0.0, 0.0, 0.0, 0.0, 0.0, 0.0}) {
    if (operator_listener() != nullptr) times_.emplace(steps);
  }
  [[nodiscard]] StepTimes* times() { return times_ ? &*times_ : nullptr; }
  void start() {
    if (times_) times_->start();
  }
  void lap(std::size_t step) {
    if (times_) times_->lap(step);
  }
  /// Step `step` moved `values` numbers. What it counts in FLOPs depends on the columns' types: not told.
  void announce(std::string_view name, std::size_t step, std::uint64_t values) const {
    if (!times_) return;
    OperatorCost cost;
    cost.macs = 0.0;
    cost.read_B = cost.written_B = static_cast<double>(values * sizeof(U));
    announce_step(name, "", dtype_name<U>(), cost, *times_, step);
  }
  void announce(const Network<U>& network, const char* name, std::uint64_t rows) const {
    if (times_) network.announce(name, rows, *times_, 1);
  }

 private:
  ScopedOperator whole_;
  std::optional<StepTimes> times_;
};

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
    Profile profile("encode rows", encoder_.layers() + 2);
    for (std::size_t first = 0; first < rows; first += block) {
      const std::size_t count = std::min<std::size_t>(block, rows - first);
      profile.start();
      std::size_t at = 0;
      for (std::size_t i = 0; i < features_.size(); ++i) {
        const FeatureColumn& f = features_[i];
        const std::byte* values = columns[i].data() + first * f.width * f.type.size;
        normalise(f, values, count, x.data() + at * block, block, 1);
        at += f.width;
      }
      profile.lap(0);
      encoder_.run(x.data(), y.data(), scratch, profile.times(), 1);
      for (std::size_t r = 0; r < count; ++r)
        for (std::size_t j = 0; j < z; ++j)
          std::memcpy(out.data() + ((first + r) * z + j) * sizeof(U), y.data() + j * block + r, sizeof(U));
      profile.lap(encoder_.layers() + 1);
    }
    profile.announce("normalise", 0, rows * encoder_.inputs());
    profile.announce(encoder_, "encoder", rows);
    profile.announce("store latents", encoder_.layers() + 1, rows * z);
    return out;
  }

  void reconstruct(ByteSpan latents, std::uint64_t rows, const std::vector<std::byte*>& columns) const override {
    const std::size_t z = decoder_.inputs();
    AlignedBuffer<U> x(z * block), y(decoder_.outputs() * block);
    auto scratch = decoder_.make_scratch();
    Profile profile("decode rows", decoder_.layers() + 2);
    for (std::size_t first = 0; first < rows; first += block) {
      const std::size_t count = std::min<std::size_t>(block, rows - first);
      profile.start();
      for (std::size_t r = 0; r < count; ++r)
        for (std::size_t j = 0; j < z; ++j)
          std::memcpy(x.data() + j * block + r, latents.data() + ((first + r) * z + j) * sizeof(U), sizeof(U));
      profile.lap(0);
      decoder_.run(x.data(), y.data(), scratch, profile.times(), 1);
      std::size_t at = 0;
      for (std::size_t i = 0; i < features_.size(); ++i) {
        const FeatureColumn& f = features_[i];
        if (columns[i] != nullptr)
          unnormalise(f, y.data() + at * block, count, block, columns[i] + first * f.width * f.type.size);
        at += f.width;
      }
      profile.lap(decoder_.layers() + 1);
    }
    profile.announce("load latents", 0, rows * z);
    profile.announce(decoder_, "decoder", rows);
    profile.announce("un-normalise", decoder_.layers() + 1, rows * decoder_.outputs());
  }

  std::size_t latent_bytes() const override { return sizeof(U); }

 private:
  using Profile = BlockProfile<U>;
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
