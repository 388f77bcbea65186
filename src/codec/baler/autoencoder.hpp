/// A table's chunk to latents and back: normalisation, network, un-normalisation, block by block.
#pragma once
#include <cstddef>
#include <memory>
#include <vector>

#include "codec/baler/features.hpp"
#include "haywatt/codec/baler/model.hpp"

namespace haywatt::baler {

/// Mantissa bits of latents as the network makes them.
inline constexpr int raw_latents = 52;

/// Immutable, thread-safe. Deterministic: the same bits on every machine.
class Autoencoder {
 public:
  virtual ~Autoencoder() = default;
  /// Row-major rows x latent(), float64 (float32 for a float32 model), of `columns[i]`, the values of feature column i.
  [[nodiscard]] virtual ByteVector latents(const std::vector<ByteSpan>& columns, std::uint64_t rows) const = 0;
  /// Writes the prediction of feature column i to `columns[i]` (rows * width values of its type) unless that is null.
  virtual void reconstruct(ByteSpan latents, std::uint64_t rows, const std::vector<std::byte*>& columns) const = 0;
  /// Bytes of one latent value.
  [[nodiscard]] virtual std::size_t latent_bytes() const = 0;
};

/// `encoder` may be empty (then latents() is not to be called). Both halves' sizes must fit `features`.
[[nodiscard]] std::unique_ptr<Autoencoder> make_autoencoder(const std::vector<Linear>& encoder,
                                                            const std::vector<Linear>& decoder, bool float32,
                                                            std::vector<FeatureColumn> features);

/// Latents as a stream. With bits == raw_latents the values themselves; else each rounded to `bits` mantissa bits
/// (model_io.hpp), as float32 byte planes in a zstd frame.
[[nodiscard]] ByteVector pack_latents(ByteSpan latents, std::size_t latent_bytes, int bits, int level);
/// The latents that a decoder will see: `count` values of `latent_bytes`. Error(BadInput) on damage.
[[nodiscard]] ByteVector unpack_latents(ByteSpan stream, std::size_t latent_bytes, int bits, std::uint64_t count);

}  // namespace haywatt::baler
