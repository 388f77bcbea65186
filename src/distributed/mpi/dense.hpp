/// The dense network whose layouts are measured: float32 weights made from a seed, layers by OpenBLAS on one thread.
#pragma once
#include <cstdint>
#include <vector>

#include "haywatt/distributed/layout.hpp"

namespace haywatt::distributed {

/// Weights are random: how long a layer takes does not depend on them. The same on every rank.
class DenseNetwork {
 public:
  DenseNetwork(std::vector<LayerShape> shapes, std::uint64_t seed);
  [[nodiscard]] const std::vector<LayerShape>& shapes() const { return shapes_; }
  /// y (rows x outputs.size()) = x (rows x inputs.size()) times that part of layer `l`'s weights; with all inputs also
  /// bias and LeakyReLU. Row-major, contiguous.
  void layer(std::uint32_t l, Range inputs, Range outputs, std::uint64_t rows, const float* x, float* y) const;
  /// Bias and LeakyReLU of `outputs`, in place.
  void finish(std::uint32_t l, Range outputs, std::uint64_t rows, float* y) const;

 private:
  struct Layer {
    std::vector<float> weight, bias;  // (outputs x inputs) row-major
  };
  std::vector<LayerShape> shapes_;
  std::vector<Layer> layers_;
};

/// rows x columns values in [0, 1), like normalised columns.
[[nodiscard]] std::vector<float> random_rows(std::uint64_t rows, std::uint64_t columns, std::uint64_t seed);

}  // namespace haywatt::distributed
