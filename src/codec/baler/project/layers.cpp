#include "codec/baler/project/layers.hpp"

#include <algorithm>
#include <cmath>

#include "haywatt/base/error.hpp"

namespace haywatt::baler {
namespace {

constexpr std::array<std::pair<Layer::Kind, std::string_view>, 8> names = {
    {{Layer::Kind::Linear, "linear"},
     {Layer::Kind::LeakyRelu, "leaky_relu"},
     {Layer::Kind::Relu, "relu"},
     {Layer::Kind::Affine, "affine"},
     {Layer::Kind::Conv, "conv"},
     {Layer::Kind::ConvTranspose, "conv_transpose"},
     {Layer::Kind::Gdn, "gdn"},
     {Layer::Kind::InverseGdn, "inverse_gdn"}}};

// What a row may take between two layers; it bounds what evaluating takes. Images of 2048 x 2048 fit.
constexpr std::uint64_t most_values = std::uint64_t{1} << 22;
constexpr std::uint64_t most_kernel = 1024;

std::uint32_t positive(std::int64_t size) {
  return size > 0 && size <= INT32_MAX ? static_cast<std::uint32_t>(size) : 0;
}

bool shapes_agree(const Layer& l) {
  const auto conv_out = [&](std::uint32_t in, std::uint32_t kernel) {
    const std::int64_t room = std::int64_t{in} + 2 * std::int64_t{l.padding} - kernel;
    return room < 0 ? std::int64_t{0} : room / l.stride + 1;
  };
  // The output padding of a transposed convolution, 0 to stride - 1, is what remains.
  const auto transpose_fits = [&](std::uint32_t in, std::uint32_t kernel, std::uint32_t out) {
    const std::int64_t least = (std::int64_t{in} - 1) * l.stride - 2 * std::int64_t{l.padding} + kernel;
    return out >= std::max<std::int64_t>(least, 1) && out < least + l.stride;
  };
  switch (l.kind) {
    case Layer::Kind::Linear:
      return l.out.height == 1 && l.out.width == 1;
    case Layer::Kind::Conv:
      return conv_out(l.in.height, l.kernel[0]) == l.out.height && conv_out(l.in.width, l.kernel[1]) == l.out.width;
    case Layer::Kind::ConvTranspose:
      return transpose_fits(l.in.height, l.kernel[0], l.out.height) &&
             transpose_fits(l.in.width, l.kernel[1], l.out.width);
    default:
      return l.in == l.out;
  }
}

std::uint64_t sum(const std::vector<Layer>& layers, std::uint64_t (*count)(const Layer&)) {
  std::uint64_t total = 0;
  for (const Layer& l : layers) total += count(l);
  return total;
}

}  // namespace

Layer linear_layer(std::uint32_t inputs, std::uint32_t outputs) {
  Layer l;
  l.in = {inputs, 1, 1};
  l.out = {outputs, 1, 1};
  return l;
}

Layer elementwise_layer(Layer::Kind kind, const Shape& shape, double slope) {
  Layer l;
  l.kind = kind;
  l.in = l.out = shape;
  l.slope = slope;
  return l;
}

Layer conv_layer(const Shape& in, std::uint32_t outputs, std::array<std::uint32_t, 2> kernel, std::uint32_t stride,
                 std::uint32_t padding) {
  Layer l;
  l.kind = Layer::Kind::Conv;
  l.in = in;
  l.kernel = kernel;
  l.stride = stride;
  l.padding = padding;
  const auto size = [&](std::uint32_t from, std::uint32_t k) {
    const std::int64_t room = std::int64_t{from} + 2 * std::int64_t{padding} - k;
    return room < 0 ? 0U : positive(room / stride + 1);
  };
  l.out = {outputs, size(in.height, kernel[0]), size(in.width, kernel[1])};
  return l;
}

Layer conv_transpose_layer(const Shape& in, std::uint32_t outputs, std::array<std::uint32_t, 2> kernel,
                           std::uint32_t stride, std::uint32_t padding, std::uint32_t output_padding) {
  Layer l;
  l.kind = Layer::Kind::ConvTranspose;
  l.in = in;
  l.kernel = kernel;
  l.stride = stride;
  l.padding = padding;
  const auto size = [&](std::uint32_t from, std::uint32_t k) {
    return positive((std::int64_t{from} - 1) * stride - 2 * std::int64_t{padding} + k + output_padding);
  };
  l.out = {outputs, size(in.height, kernel[0]), size(in.width, kernel[1])};
  return l;
}

std::uint64_t weight_count(const Layer& l) {
  switch (l.kind) {
    case Layer::Kind::Linear:
      return l.in.values() * l.out.values();
    case Layer::Kind::Affine:
      return l.in.channels;
    case Layer::Kind::Conv:
    case Layer::Kind::ConvTranspose:
      return std::uint64_t{l.in.channels} * l.out.channels * l.kernel[0] * l.kernel[1];
    case Layer::Kind::Gdn:
    case Layer::Kind::InverseGdn:
      return std::uint64_t{l.in.channels} * l.in.channels;
    default:
      return 0;
  }
}

std::uint64_t bias_count(const Layer& l) {
  if (l.kind == Layer::Kind::LeakyRelu || l.kind == Layer::Kind::Relu) return 0;
  return l.kind == Layer::Kind::Linear ? l.out.values() : l.out.channels;
}

std::uint64_t macs_per_row(const Layer& l) {
  switch (l.kind) {
    case Layer::Kind::Linear:
      return weight_count(l);
    case Layer::Kind::Conv:
      return weight_count(l) * l.out.height * l.out.width;
    case Layer::Kind::ConvTranspose:
      return weight_count(l) * l.in.height * l.in.width;
    case Layer::Kind::Gdn:
    case Layer::Kind::InverseGdn:
      return weight_count(l) * l.in.height * l.in.width;
    default:
      return 0;
  }
}

std::string_view kind_name(Layer::Kind kind) {
  return std::find_if(names.begin(), names.end(), [&](const auto& n) { return n.first == kind; })->second;
}

std::optional<Layer::Kind> kind_of(std::string_view name) {
  const auto at = std::find_if(names.begin(), names.end(), [&](const auto& n) { return n.second == name; });
  if (at == names.end()) return std::nullopt;
  return at->first;
}

void check_layers(const std::vector<Layer>& layers, const std::string& what) {
  if (layers.empty()) fail_input(what + " has no layers");
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const Layer& l = layers[i];
    const std::string where = what + ": layer " + std::to_string(i + 1) + " (" + std::string(kind_name(l.kind)) + ")";
    const bool known = l.stride > 0 && l.kernel[0] > 0 && l.kernel[1] > 0 && l.kernel[0] <= most_kernel &&
                       l.kernel[1] <= most_kernel && l.stride <= most_kernel && l.padding <= most_kernel;
    for (const Shape& s : {l.in, l.out})
      if (!known || s.channels > most_values || s.height > most_values || s.width > most_values || s.values() == 0 ||
          std::uint64_t{s.height} * s.width > most_values || s.values() > most_values)
        fail_input(where + " has an absurd or empty shape");
    if (!shapes_agree(l)) fail_input(where + " cannot turn its input's shape into its output's");
    if (i > 0 && layers[i - 1].out.values() != l.in.values()) fail_input(where + " does not fit the layer before");
    if (l.weight.size() != weight_count(l) || l.bias.size() != bias_count(l))
      fail_input(where + " has " + std::to_string(l.weight.size()) + " weights and " + std::to_string(l.bias.size()) +
                 " biases instead of " + std::to_string(weight_count(l)) + " and " + std::to_string(bias_count(l)));
    if (!std::isfinite(l.slope)) fail_input(where + " has a slope that is no number");
    for (const std::vector<double>* values : {&l.weight, &l.bias})
      if (!std::all_of(values->begin(), values->end(), [](double v) { return std::isfinite(v); }))
        fail_input(where + " has weights that are NaN or infinite");
  }
}

std::uint64_t ProjectModel::parameters() const {
  return sum(encoder, weight_count) + sum(encoder, bias_count) + sum(decoder, weight_count) + sum(decoder, bias_count);
}
std::uint64_t ProjectModel::macs_encode_per_row() const { return sum(encoder, macs_per_row); }
std::uint64_t ProjectModel::macs_decode_per_row() const { return sum(decoder, macs_per_row); }

}  // namespace haywatt::baler
