#include "haywatt/trace/counting.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace haywatt::trace {
namespace {

using Kind = CountedLayer::Kind;

constexpr std::array<std::pair<Convention, std::string_view>, 7> names = {{
    {Convention::Haywatt, "haywatt"},
    {Convention::PyTorch, "pytorch"},
    {Convention::PyTorchProfiler, "pytorch-profiler"},
    {Convention::Ptflops, "ptflops"},
    {Convention::PtflopsAten, "ptflops-aten"},
    {Convention::Fvcore, "fvcore"},
    {Convention::DeepliteProfiler, "deeplite-profiler"},
}};

std::uint64_t outputs(const CountedLayer& l) noexcept { return l.out_channels * l.out_positions; }

bool is_gdn(const CountedLayer& l) noexcept { return l.kind == Kind::Gdn || l.kind == Kind::InverseGdn; }
bool is_activation(const CountedLayer& l) noexcept { return l.kind == Kind::Relu || l.kind == Kind::LeakyRelu; }

/// Of one row. A transposed convolution multiplies every input position, what it cuts off at the rim included; a
/// convolution every position under its kernel, the padding included.
std::uint64_t macs(const CountedLayer& l) noexcept {
  switch (l.kind) {
    case Kind::Linear:
      return l.in_channels * l.in_positions * l.out_channels;
    case Kind::Conv:
      return l.in_channels * l.out_channels * l.kernel * l.out_positions;
    case Kind::ConvTranspose:
      return l.in_channels * l.out_channels * l.kernel * l.in_positions;
    case Kind::Gdn:
    case Kind::InverseGdn:
      return l.in_channels * l.in_channels * l.in_positions;
    default:
      return 0;
  }
}

/// Of one row: the additions of the bias; beta is GDN's.
std::uint64_t biases(const CountedLayer& l) noexcept {
  const bool has = l.kind == Kind::Linear || l.kind == Kind::Conv || l.kind == Kind::ConvTranspose || is_gdn(l);
  return has && l.bias ? outputs(l) : 0;
}

std::uint64_t haywatt_total(const CountedLayer& l) noexcept {
  const std::uint64_t products = 2 * macs(l) + biases(l);
  if (is_gdn(l)) return products + 3 * outputs(l);  // square, root, quotient or product
  if (l.kind == Kind::BatchNorm) return 2 * outputs(l);
  return products + (is_activation(l) ? outputs(l) : 0);
}

/// Counts dense products and plain 2-D convolutions, and each multiplication and addition of tensors. GDN multiplies by
/// its root; in the other direction it divides, which is not counted.
std::uint64_t profiler_total(const CountedLayer& l, std::uint64_t rows) noexcept {
  if (l.kind == Kind::Linear || is_gdn(l) || (l.kind == Kind::Conv && l.dimensions == 2))
    return rows * (2 * macs(l) + (l.kind == Kind::InverseGdn ? outputs(l) : 0));
  return 0;
}

/// Hooks modules and patches functions; nn.ReLU calls F.relu and so counts twice. GDN's convolution is a function that
/// it does not patch.
std::uint64_t ptflops_total(const CountedLayer& l) noexcept {
  if (is_gdn(l)) return 0;
  if (l.kind == Kind::BatchNorm) return 2 * outputs(l);
  if (l.kind == Kind::Relu) return (l.functional ? 1 : 2) * outputs(l);
  if (l.kind == Kind::LeakyRelu) return l.functional ? 0 : outputs(l);
  return macs(l) + biases(l);
}

/// An older ptflops: a transposed convolution is taken at its output positions.
std::uint64_t deeplite_total(const CountedLayer& l) noexcept {
  if (is_gdn(l)) return 0;
  if (l.kind == Kind::BatchNorm) return 2 * outputs(l);
  if (is_activation(l)) return l.functional ? 0 : outputs(l);
  if (l.kind == Kind::ConvTranspose) return l.in_channels * l.out_channels * l.kernel * l.out_positions + biases(l);
  return macs(l) + biases(l);
}

std::uint64_t total(const CountedLayer& l, std::uint64_t rows, Convention convention) noexcept {
  switch (convention) {
    case Convention::Haywatt:
      return rows * haywatt_total(l);
    case Convention::PyTorch:
      return rows * 2 * macs(l);
    case Convention::PyTorchProfiler:
      return profiler_total(l, rows);
    case Convention::Ptflops:
      return rows * ptflops_total(l);
    case Convention::PtflopsAten:
      return rows * (macs(l) + biases(l));
    case Convention::Fvcore:
      return rows * (macs(l) + (l.kind == Kind::BatchNorm ? 2 * outputs(l) : 0));
    case Convention::DeepliteProfiler:
      return rows * deeplite_total(l);
  }
  return 0;
}

std::uint64_t parameters(const CountedLayer& l) noexcept {
  switch (l.kind) {
    case Kind::Linear:
      return (l.in_channels * l.in_positions + (l.bias ? 1 : 0)) * l.out_channels;
    case Kind::Conv:
    case Kind::ConvTranspose:
      return (l.in_channels * l.kernel + (l.bias ? 1 : 0)) * l.out_channels;
    case Kind::BatchNorm:
      return 2 * l.out_channels;
    case Kind::Gdn:
    case Kind::InverseGdn:
      return (l.in_channels + 1) * l.in_channels;
    default:
      return 0;
  }
}

}  // namespace

std::string_view convention_name(Convention convention) noexcept {
  return names[static_cast<std::size_t>(convention)].second;
}

std::optional<Convention> convention_of(std::string_view name) noexcept {
  for (const auto& [convention, known] : names)
    if (known == name) return convention;
  return std::nullopt;
}

std::string_view convention_unit(Convention convention) noexcept {
  return convention == Convention::Haywatt || convention == Convention::PyTorch ||
                 convention == Convention::PyTorchProfiler
             ? "FLOPs"
             : "MACs";
}

Count count_layer(const CountedLayer& layer, std::uint64_t rows, Convention convention) noexcept {
  const bool unseen = is_gdn(layer) && convention == Convention::DeepliteProfiler;
  return {rows * macs(layer), total(layer, rows, convention), unseen ? 0 : parameters(layer)};
}

Count count_forward(const std::vector<CountedLayer>& layers, std::uint64_t rows, Convention convention) {
  Count sum;
  for (const CountedLayer& layer : layers) {
    const Count one = count_layer(layer, rows, convention);
    sum.macs += one.macs;
    sum.total += one.total;
    sum.parameters += one.parameters;
  }
  return sum;
}

Count count_training(const std::vector<CountedLayer>& layers, std::uint64_t rows, Convention convention) {
  Count sum = count_forward(layers, rows, convention);
  if (convention != Convention::Haywatt && convention != Convention::PyTorch) return sum;
  bool first = true;
  for (const CountedLayer& layer : layers) {
    const std::uint64_t products = rows * macs(layer);
    // Of the weights and, but for the first layer, of the input: each as many products as forward.
    const std::uint64_t backward = (first ? 1 : 2) * products;
    sum.macs += backward;
    sum.total += 2 * backward;
    if (convention == Convention::Haywatt)
      // The bias's gradient adds up as many values as there are outputs, an activation's is one product each.
      sum.total += rows * (biases(layer) + (is_activation(layer) ? outputs(layer) : 0));
    first = false;
  }
  return sum;
}

std::vector<CountedLayer> counted_layers(const baler::ProjectModel& model) {
  using From = baler::Layer::Kind;
  // The only classes that call their activation as a function.
  const bool functional = model.model_name == "AE" || model.model_name == "CFD_dense_AE";
  std::vector<CountedLayer> all;
  for (const auto* half : {&model.encoder, &model.decoder}) {
    for (const baler::Layer& l : *half) {
      CountedLayer c;
      const auto positions = [](const baler::Shape& s) { return std::uint64_t{s.height} * s.width; };
      c.in_channels = l.in.channels;
      c.in_positions = positions(l.in);
      c.out_channels = l.out.channels;
      c.out_positions = positions(l.out);
      c.kernel = std::uint64_t{l.kernel[0]} * l.kernel[1];
      switch (l.kind) {
        case From::Linear:
          c.kind = Kind::Linear;
          break;
        case From::LeakyRelu:
          c.kind = Kind::LeakyRelu;
          c.functional = functional;
          break;
        case From::Relu:
          c.kind = Kind::Relu;
          break;
        case From::Affine:
          c.kind = Kind::BatchNorm;
          break;
        case From::Conv:
          c.kind = Kind::Conv;
          c.dimensions = 2;
          break;
        case From::ConvTranspose:
          c.kind = Kind::ConvTranspose;
          c.dimensions = 2;
          break;
        case From::Gdn:
          c.kind = Kind::Gdn;
          c.dimensions = 2;
          break;
        case From::InverseGdn:
          c.kind = Kind::InverseGdn;
          c.dimensions = 2;
          break;
      }
      all.push_back(c);
    }
  }
  return all;
}

Count count_model(const baler::ProjectModel& model, std::uint64_t rows, Convention convention) {
  return count_forward(counted_layers(model), rows, convention);
}

}  // namespace haywatt::trace
