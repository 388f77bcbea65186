/// One chunk of feature columns to streams, given the model: used to encode, and to try precisions on a sample.
#pragma once
#include <memory>
#include <vector>

#include "codec/baler/autoencoder.hpp"
#include "codec/baler/section.hpp"

namespace haywatt::baler {

/// Immutable, thread-safe.
class ChunkCoder {
 public:
  /// `encoder` makes the latents; section.model.decoder, already rounded, makes the predictions.
  ChunkCoder(const std::vector<Linear>& encoder, const Section& section);

  /// Fills one shared stream (latents) and the streams of the feature columns in `out`. `level`: zstd's.
  void encode(const Chunk& chunk, int level, EncodedChunk& out) const;

 private:
  std::vector<FeatureColumn> features_;
  std::vector<Coding> codings_;
  int latent_bits_;
  std::uint64_t latent_;
  std::unique_ptr<Autoencoder> autoencoder_;
};

/// The precisions, of the stored weights and latents, that make the file smallest, judged on `sample`; the file has
/// `scale` times its rows. Returns the bits of the weights and sets section.latent_bits and section.model (decoder
/// only). `trained` has both halves.
[[nodiscard]] int choose_precisions(const Model& trained, const Chunk& sample, double scale, Section& section);

}  // namespace haywatt::baler
