/// The weights of Baler's AE as tensors that share one block of memory, so that an optimiser is one loop.
#pragma once
#include <ATen/ATen.h>

#include <vector>

#include "haywatt/codec/baler/model.hpp"
#include "torch/watch.hpp"

namespace haywatt::torch_plugin {

struct Layer {
  at::Tensor weight, bias;  ///< (outputs, inputs) and (outputs), as torch.nn.Linear has them
};

class Parameters {
 public:
  /// With `initialise` torch.nn.Linear's initialisation, in the order of Baler's constructor: weights and biases from
  /// U(-1/sqrt(inputs), 1/sqrt(inputs)), drawn in the network's own type from torch's generator. Else those of `shape`.
  /// They are drawn on the CPU, so that a device makes no difference, and then moved.
  Parameters(const baler::Model& shape, at::ScalarType type, bool initialise, const at::Device& device);

  /// en1..en4, de1..de4: views of flat().
  [[nodiscard]] const std::vector<Layer>& layers() const { return layers_; }
  /// Names and sizes of the layers: encoder.0..3, decoder.0..3.
  [[nodiscard]] const std::vector<WatchedLayer>& watched() const { return watched_; }
  /// All of them, each padded with zeros to a cache line.
  [[nodiscard]] const at::Tensor& flat() const { return flat_; }
  /// A block of zeros of the same size and its views in the same places.
  [[nodiscard]] std::vector<Layer> make_like(at::Tensor& flat) const;
  /// LeakyReLU follows all layers but the fourth and the eighth.
  [[nodiscard]] bool activated(std::size_t layer) const {
    return layer + 1 != layers_.size() / 2 && layer + 1 != layers_.size();
  }
  [[nodiscard]] const char* dtype() const { return flat_.scalar_type() == at::kFloat ? "f32" : "f64"; }
  void copy_to(baler::Model& model) const;

 private:
  [[nodiscard]] std::vector<Layer> views(const at::Tensor& flat) const;
  std::vector<std::pair<std::int64_t, std::int64_t>> shapes_;  ///< (outputs, inputs)
  at::Tensor flat_;
  std::vector<Layer> layers_;
  std::vector<WatchedLayer> watched_;
};

}  // namespace haywatt::torch_plugin
