#include "codec/baler/chunk_coder.hpp"

#include <array>

#include "codec/baler/model_io.hpp"
#include "codec/baler/packing.hpp"

namespace haywatt::baler {
namespace {

constexpr int float_bits = 23;
constexpr std::array<int, 6> weight_candidates = {float_bits, 15, 12, 9, 7, 5};
constexpr std::array<int, 9> latent_candidates = {float_bits, 15, 12, 9, 7, 5, 3, 2, 1};

double sample_bytes(const Model& trained, const Chunk& sample, const Section& section) {
  EncodedChunk encoded;
  encoded.columns.resize(sample.columns.size());
  ChunkCoder(trained.encoder, section).encode(sample, trial_level, encoded);
  double bytes = static_cast<double>(encoded.shared[0].size());
  for (const ByteVector& stream : encoded.columns) bytes += static_cast<double>(stream.size());
  return bytes;
}

}  // namespace

ChunkCoder::ChunkCoder(const std::vector<Linear>& encoder, const Section& section)
    : features_(section.features),
      codings_(section.codings),
      latent_bits_(section.latent_bits),
      latent_(section.model.latent()),
      autoencoder_(make_autoencoder(encoder, section.model.decoder, section.model.float32, section.features)) {}

void ChunkCoder::encode(const Chunk& chunk, int level, EncodedChunk& out) const {
  const std::uint64_t rows = chunk.columns[features_.front().column].rows;
  std::vector<ByteSpan> columns;
  bool corrected = false;
  for (std::size_t i = 0; i < features_.size(); ++i) {
    columns.emplace_back(chunk.columns[features_[i].column].values);
    corrected = corrected || codings_[i].kind != CodingKind::None;
  }
  const ByteVector latents = autoencoder_->latents(columns, rows);
  out.shared.push_back(pack_latents(latents, autoencoder_->latent_bytes(), latent_bits_, level));
  if (!corrected) return;
  const ByteVector seen = unpack_latents(out.shared[0], autoencoder_->latent_bytes(), latent_bits_, rows * latent_);
  std::vector<ByteVector> predicted(features_.size());
  std::vector<std::byte*> targets(features_.size(), nullptr);
  for (std::size_t i = 0; i < features_.size(); ++i) {
    if (codings_[i].kind == CodingKind::None) continue;
    predicted[i].resize(columns[i].size());
    targets[i] = predicted[i].data();
  }
  autoencoder_->reconstruct(seen, rows, targets);
  for (std::size_t i = 0; i < features_.size(); ++i)
    out.columns[features_[i].column] = encode_residual(codings_[i], features_[i].type, columns[i], predicted[i], level);
}

int choose_precisions(const Model& trained, const Chunk& sample, double scale, Section& section) {
  section.latent_bits = float_bits;
  int weight_bits = float_bits;
  double least = 0.0;
  for (const int bits : weight_candidates) {
    section.model = rounded_decoder(trained, bits);
    ByteWriter model;
    write_model(model, section.model, bits, trial_level);
    const double bytes = static_cast<double>(model.size()) + scale * sample_bytes(trained, sample, section);
    if (bits != float_bits && bytes >= least) continue;
    least = bytes;
    weight_bits = bits;
  }
  section.model = rounded_decoder(trained, weight_bits);
  int latent_bits = float_bits;
  for (const int bits : latent_candidates) {
    section.latent_bits = bits;
    const double bytes = sample_bytes(trained, sample, section);
    if (bits != float_bits && bytes >= least) continue;
    least = bytes;
    latent_bits = bits;
  }
  section.latent_bits = latent_bits;
  return weight_bits;
}

}  // namespace haywatt::baler
