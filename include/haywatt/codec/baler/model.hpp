/// Baler's AE: n-200-100-50-z-50-100-200-n, LeakyReLU(0.01) after all layers but the fourth and the eighth.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "haywatt/base/bytes.hpp"

namespace haywatt::baler {

/// y = x W^T + b, W row-major (outputs x inputs), as torch.nn.Linear stores it. Values are held as doubles; for a
/// float32 model each is exactly a float.
struct Linear {
  std::uint32_t inputs = 0, outputs = 0;
  std::vector<double> weight, bias;
};

struct Model {
  bool float32 = false;
  std::vector<Linear> encoder;  ///< en1..en4; empty in a model that only decodes
  std::vector<Linear> decoder;  ///< de1..de4

  [[nodiscard]] std::uint32_t columns() const { return decoder.back().outputs; }
  [[nodiscard]] std::uint32_t latent() const { return decoder.front().inputs; }
  [[nodiscard]] std::uint64_t parameters() const;
  [[nodiscard]] std::uint64_t macs_encode_per_row() const;  ///< multiply-accumulates of the linear layers
  [[nodiscard]] std::uint64_t macs_decode_per_row() const;
};

/// Neither half trained yet: all weights zero.
[[nodiscard]] Model make_model(std::uint32_t columns, std::uint32_t latent, bool float32);

/// Baler's latent size: ceil(columns / ratio), true division in double.
[[nodiscard]] std::uint32_t latent_size(std::uint64_t columns, double compression_ratio);

}  // namespace haywatt::baler
