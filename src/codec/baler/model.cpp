#include "haywatt/codec/baler/model.hpp"

#include <array>
#include <cmath>
#include <limits>

#include "haywatt/base/error.hpp"

namespace haywatt::baler {
namespace {

constexpr std::array<std::uint32_t, 3> hidden = {200, 100, 50};

Linear empty_layer(std::uint32_t inputs, std::uint32_t outputs) {
  Linear layer;
  layer.inputs = inputs;
  layer.outputs = outputs;
  layer.weight.assign(std::size_t{inputs} * outputs, 0.0);
  layer.bias.assign(outputs, 0.0);
  return layer;
}

std::uint64_t macs(const std::vector<Linear>& layers) {
  std::uint64_t sum = 0;
  for (const Linear& layer : layers) sum += std::uint64_t{layer.inputs} * layer.outputs;
  return sum;
}

std::uint64_t biases(const std::vector<Linear>& layers) {
  std::uint64_t sum = 0;
  for (const Linear& layer : layers) sum += layer.outputs;
  return sum;
}

}  // namespace

std::uint64_t Model::parameters() const { return macs(encoder) + macs(decoder) + biases(encoder) + biases(decoder); }
std::uint64_t Model::macs_encode_per_row() const { return macs(encoder); }
std::uint64_t Model::macs_decode_per_row() const { return macs(decoder); }

Model make_model(std::uint32_t columns, std::uint32_t latent, bool float32) {
  Model model;
  model.float32 = float32;
  const std::array<std::uint32_t, 5> down = {columns, hidden[0], hidden[1], hidden[2], latent};
  for (std::size_t i = 0; i + 1 < down.size(); ++i) model.encoder.push_back(empty_layer(down[i], down[i + 1]));
  for (std::size_t i = down.size() - 1; i > 0; --i) model.decoder.push_back(empty_layer(down[i], down[i - 1]));
  return model;
}

std::uint32_t latent_size(std::uint64_t columns, double compression_ratio) {
  const double size = std::ceil(static_cast<double>(columns) / compression_ratio);
  if (!(compression_ratio > 0.0) || !(size <= std::numeric_limits<std::uint32_t>::max()))
    fail_usage("baler: ratio must be positive, and not so small that the latent space is absurdly large");
  return size < 1.0 ? 1 : static_cast<std::uint32_t>(size);
}

}  // namespace haywatt::baler
