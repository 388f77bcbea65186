#include "torch/parameters.hpp"

#include <cmath>

namespace haywatt::torch_plugin {
namespace {

constexpr std::int64_t line = 16;  // values of a cache line of float32; two lines of float64

std::int64_t padded(std::int64_t count) { return (count + line - 1) / line * line; }

void fill(const at::Tensor& to, const std::vector<double>& values) {
  // from_blob wants a mutable pointer; nothing writes through it.
  to.view(-1).copy_(at::from_blob(const_cast<double*>(values.data()), {to.numel()}, at::kDouble));
}

void read(const at::Tensor& tensor, std::vector<double>& values) {
  const at::Tensor flat = tensor.detach().cpu().to(at::kDouble).contiguous();
  values.assign(flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel());
}

}  // namespace

Parameters::Parameters(const baler::Model& shape, at::ScalarType type, bool initialise, const at::Device& device) {
  std::int64_t total = 0;
  for (const std::vector<baler::Linear>* half : {&shape.encoder, &shape.decoder}) {
    for (const baler::Linear& linear : *half) {
      shapes_.emplace_back(linear.outputs, linear.inputs);
      total += padded(std::int64_t{linear.outputs} * linear.inputs) + padded(linear.outputs);
    }
  }
  watched_ = watched_layers(shape.encoder, "encoder");
  for (WatchedLayer& layer : watched_layers(shape.decoder, "decoder")) watched_.push_back(std::move(layer));
  flat_ = at::zeros({total}, at::TensorOptions().dtype(type));
  layers_ = views(flat_);
  std::size_t i = 0;
  for (const std::vector<baler::Linear>* half : {&shape.encoder, &shape.decoder}) {
    for (const baler::Linear& linear : *half) {
      const Layer& layer = layers_[i++];
      if (initialise) {
        const double reach = 1.0 / std::sqrt(static_cast<double>(linear.inputs));
        layer.weight.uniform_(-reach, reach);
        layer.bias.uniform_(-reach, reach);
      } else {
        TORCH_CHECK(layer.weight.numel() == static_cast<std::int64_t>(linear.weight.size()) &&
                        layer.bias.numel() == static_cast<std::int64_t>(linear.bias.size()),
                    "the weights do not fit their layers");
        fill(layer.weight, linear.weight);
        fill(layer.bias, linear.bias);
      }
    }
  }
  if (device.is_cpu()) return;
  flat_ = flat_.to(device);
  layers_ = views(flat_);
}

std::vector<Layer> Parameters::views(const at::Tensor& flat) const {
  std::vector<Layer> layers;
  std::int64_t at = 0;
  for (const auto& [outputs, inputs] : shapes_) {
    Layer layer;
    layer.weight = flat.narrow(0, at, outputs * inputs).view({outputs, inputs});
    at += padded(outputs * inputs);
    layer.bias = flat.narrow(0, at, outputs);
    at += padded(outputs);
    layers.push_back(layer);
  }
  return layers;
}

std::vector<Layer> Parameters::make_like(at::Tensor& flat) const {
  flat = at::zeros_like(flat_);
  return views(flat);
}

void Parameters::copy_to(baler::Model& model) const {
  std::size_t i = 0;
  for (std::vector<baler::Linear>* half : {&model.encoder, &model.decoder}) {
    for (baler::Linear& linear : *half) {
      read(layers_[i].weight, linear.weight);
      read(layers_[i].bias, linear.bias);
      ++i;
    }
  }
}

}  // namespace haywatt::torch_plugin
