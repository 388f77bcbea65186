/// The model section of a baler file: all that its decoder needs.
#pragma once
#include <vector>

#include "codec/baler/features.hpp"
#include "codec/baler/residual.hpp"
#include "haywatt/codec/baler/model.hpp"

namespace haywatt::baler {

/// Layout, little-endian: u8 version (1), u8 latent bits, varint number of feature columns; for each varint column, u8
/// whole, u8 coding, u8 drop, f64 step, then f64 minimum and f64 range of each feature; then the model (model_io.hpp).
struct Section {
  int latent_bits = 0;  ///< autoencoder.hpp; raw_latents or 1 to 23
  std::vector<FeatureColumn> features;
  std::vector<Coding> codings;  ///< one per feature column
  Model model;
};

/// `weight_bits`: as write_model.
[[nodiscard]] ByteVector write_section(const Section& section, int weight_bits);
/// Error(BadInput) on damage or if it does not fit the schema.
[[nodiscard]] Section read_section(ByteSpan bytes, const Schema& schema);

}  // namespace haywatt::baler
