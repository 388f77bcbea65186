#include "distributed/mpi/dense.hpp"

#include <cblas.h>

#include <cmath>
#include <utility>

namespace haywatt::distributed {
namespace {

/// Marsaglia's xorshift64 (J. Stat. Soft. 8, 2003): hundreds of millions of weights are wanted within a second.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15U + 1) {}
  float unit() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return static_cast<float>(state_ >> 40) * 0x1p-24F;
  }

 private:
  std::uint64_t state_;
};

}  // namespace

DenseNetwork::DenseNetwork(std::vector<LayerShape> shapes, std::uint64_t seed) : shapes_(std::move(shapes)) {
  openblas_set_num_threads(1);
  for (std::size_t l = 0; l < shapes_.size(); ++l) {
    const LayerShape& s = shapes_[l];
    Random random(seed + l + 1);
    Layer layer;
    layer.weight.resize(s.inputs * s.outputs);
    layer.bias.resize(s.outputs);
    // Values keep their size from layer to layer (He et al., 2015), so that none becomes denormal and slow.
    const float reach = std::sqrt(6.0F / static_cast<float>(s.inputs));
    for (float& w : layer.weight) w = reach * (2.0F * random.unit() - 1.0F);
    for (float& b : layer.bias) b = 0.1F * (2.0F * random.unit() - 1.0F);
    layers_.push_back(std::move(layer));
  }
}

void DenseNetwork::layer(std::uint32_t l, Range inputs, Range outputs, std::uint64_t rows, const float* x,
                         float* y) const {
  const LayerShape& s = shapes_[l];
  const float* w = layers_[l].weight.data() + outputs.begin * s.inputs + inputs.begin;
  const auto m = static_cast<blasint>(rows), n = static_cast<blasint>(outputs.size()),
             k = static_cast<blasint>(inputs.size()), stride = static_cast<blasint>(s.inputs);
  if (rows == 1)
    cblas_sgemv(CblasRowMajor, CblasNoTrans, n, k, 1.0F, w, stride, x, 1, 0.0F, y, 1);
  else
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, 1.0F, x, k, w, stride, 0.0F, y, n);
  if (inputs.size() == s.inputs) finish(l, outputs, rows, y);
}

void DenseNetwork::finish(std::uint32_t l, Range outputs, std::uint64_t rows, float* y) const {
  const float* bias = layers_[l].bias.data() + outputs.begin;
  const bool leaky = shapes_[l].leaky;
  const std::size_t n = outputs.size();
  for (std::uint64_t r = 0; r < rows; ++r, y += n)
    for (std::size_t i = 0; i < n; ++i) {
      const float v = y[i] + bias[i];
      y[i] = leaky && v < 0.0F ? 0.01F * v : v;
    }
}

std::vector<float> random_rows(std::uint64_t rows, std::uint64_t columns, std::uint64_t seed) {
  Random random(seed + 1'000'003);
  std::vector<float> x(rows * columns);
  for (float& v : x) v = random.unit();
  return x;
}

}  // namespace haywatt::distributed
