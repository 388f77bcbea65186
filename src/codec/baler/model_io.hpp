/// A Model as bytes, little-endian.
#pragma once
#include "codec/baler/packing.hpp"
#include "haywatt/base/bytes.hpp"
#include "haywatt/codec/baler/model.hpp"

namespace haywatt::baler {

/// Mantissa bits that mean "as trained": no rounding, stored at full width.
inline constexpr int all_bits = 52;

/// `value` as a float32 rounded to nearest (ties to even) at `bits` explicit mantissa bits, 1 to 23.
[[nodiscard]] float round_mantissa(double value, int bits);

/// The decoder alone with every weight rounded to `bits` (1 to 23): what a file that corrects its predictions needs.
[[nodiscard]] Model rounded_decoder(const Model& model, int bits);

/// Layout: u8 float32, u8 rounded, u32 columns, u32 latent, u8 has an encoder, then the weights and the biases of each
/// layer. With bits == all_bits raw float64 (float32 of a float32 model), as Baler stores them; else float32 byte
/// planes in a zstd frame of this level.
void write_model(ByteWriter& out, const Model& model, int bits, int level = final_level);

/// Error(BadInput) on damage, on weights that are not finite, or if there are not `columns` columns. Allocates only
/// what the bytes justify.
[[nodiscard]] Model read_model(ByteReader& in, std::uint64_t columns);

/// True if every weight and bias is finite.
[[nodiscard]] bool all_finite(const Model& model);

}  // namespace haywatt::baler
