#include "haywatt/codec/baler/dense_inference.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "haywatt/base/error.hpp"
#include "haywatt/exec/pool.hpp"

namespace haywatt::baler {
namespace {

void check_layers(const std::vector<DenseLayer>& layers) {
  if (layers.empty()) fail_input("a network without layers");
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const Linear& l = layers[i].linear;
    const std::string where = "layer " + std::to_string(i + 1);
    if (l.inputs == 0 || l.outputs == 0) fail_input(where + " has no inputs or no outputs");
    if (l.weight.size() != std::size_t{l.inputs} * l.outputs || l.bias.size() != l.outputs)
      fail_input(where + " has not as many weights as its size asks for");
    if (i > 0 && layers[i - 1].linear.outputs != l.inputs)
      fail_input(where + " takes " + std::to_string(l.inputs) + " values, the layer before gives " +
                 std::to_string(layers[i - 1].linear.outputs));
  }
}

void check_scaling(const std::vector<double>& minimum, const std::vector<double>& range, std::size_t columns,
                   const char* what) {
  if (minimum.size() != range.size() || (!minimum.empty() && minimum.size() != columns))
    fail_input(std::string(what) + " has " + std::to_string(minimum.size()) + " minima and " +
               std::to_string(range.size()) + " ranges for " + std::to_string(columns) + " columns");
}

template <class S>
S normalised(S x, const InputScaling& scaling, std::size_t column) {
  if (scaling.minimum.empty()) return x;
  const S low = static_cast<S>(scaling.minimum[column]);
  S range = static_cast<S>(scaling.range[column]);
  if (range == S{0} && scaling.constant_to_zero) range = std::numeric_limits<S>::infinity();
  return scaling.divide ? (x - low) / range : (x - low) * (S{1} / range);
}

template <class W>
W restored(W y, const OutputScaling& scaling, std::size_t column) {
  if (!scaling.minimum.empty()) y = y * static_cast<W>(scaling.range[column]) + static_cast<W>(scaling.minimum[column]);
  if (scaling.rounding.empty() || scaling.rounding[column] == Rounding::None) return y;
  return scaling.rounding[column] == Rounding::Nearest ? std::nearbyint(y) : std::trunc(y);
}

}  // namespace

std::vector<DenseLayer> autoencoder_layers(const std::vector<Linear>& half) {
  std::vector<DenseLayer> layers;
  for (const Linear& linear : half) {
    const bool last = layers.size() + 1 == half.size();
    layers.push_back({linear, last ? Activation::None : Activation::LeakyRelu, 0.01});
  }
  return layers;
}

struct DenseInference::Implementation {
  std::vector<DenseLayer> layers;
  Arithmetic arithmetic;
  InputScaling before;
  OutputScaling after;
  std::size_t widest = 0;

  template <class T, class S, class D>
  void run(const S* x, std::size_t x_stride, D* y, std::size_t y_stride, std::size_t rows, std::byte* scratch) const {
    T* from = reinterpret_cast<T*>(scratch);
    T* to = from + widest;
    using W = std::conditional_t<sizeof(T) == 8 || sizeof(D) == 8, double, float>;
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t i = 0; i < layers.front().linear.inputs; ++i)
        from[i] = static_cast<T>(normalised(x[r * x_stride + i], before, i));
      for (const DenseLayer& layer : layers) {
        const Linear& l = layer.linear;
        for (std::size_t o = 0; o < l.outputs; ++o) {
          T sum = static_cast<T>(l.bias[o]);
          const double* weight = l.weight.data() + o * l.inputs;
          for (std::size_t i = 0; i < l.inputs; ++i) sum += from[i] * static_cast<T>(weight[i]);
          if (layer.activation != Activation::None && sum < T{0})
            sum = layer.activation == Activation::Relu ? T{0} : sum * static_cast<T>(layer.slope);
          to[o] = sum;
        }
        std::swap(from, to);
      }
      for (std::size_t o = 0; o < layers.back().linear.outputs; ++o)
        y[r * y_stride + o] = static_cast<D>(restored(static_cast<W>(from[o]), after, o));
    }
  }
};

DenseInference::Scratch::Scratch(std::size_t bytes) : storage_(bytes + 64) {
  void* start = storage_.data();
  std::size_t space = storage_.size();
  start_ = static_cast<std::byte*>(std::align(64, bytes, start, space));
}

DenseInference::DenseInference(const std::vector<DenseLayer>& layers, Arithmetic arithmetic, InputScaling before,
                               OutputScaling after) {
  check_layers(layers);
  const std::size_t columns = layers.back().linear.outputs;
  check_scaling(before.minimum, before.range, layers.front().linear.inputs, "the normalisation");
  check_scaling(after.minimum, after.range, columns, "the un-normalisation");
  if (!after.rounding.empty() && after.rounding.size() != columns)
    fail_input("rounding is given for " + std::to_string(after.rounding.size()) + " of " + std::to_string(columns) +
               " columns");
  std::size_t widest = layers.front().linear.inputs;
  for (const DenseLayer& layer : layers) widest = std::max<std::size_t>(widest, layer.linear.outputs);
  implementation_ = std::make_unique<const Implementation>(
      Implementation{layers, arithmetic, std::move(before), std::move(after), widest});
}

DenseInference::~DenseInference() = default;
DenseInference::DenseInference(DenseInference&&) noexcept = default;
DenseInference& DenseInference::operator=(DenseInference&&) noexcept = default;

std::size_t DenseInference::inputs() const noexcept { return implementation_->layers.front().linear.inputs; }
std::size_t DenseInference::outputs() const noexcept { return implementation_->layers.back().linear.outputs; }

std::uint64_t DenseInference::macs_per_row() const noexcept {
  std::uint64_t macs = 0;
  for (const DenseLayer& layer : implementation_->layers)
    macs += std::uint64_t{layer.linear.inputs} * layer.linear.outputs;
  return macs;
}

DenseInference::Scratch DenseInference::make_scratch() const {
  return Scratch(2 * implementation_->widest * sizeof(double));
}

void DenseInference::run(const ConstRows& x, const MutableRows& y, Scratch& scratch) const {
  if (x.rows != y.rows) fail_input("as many rows must go out of the network as go in");
  if (x.rows == 0) return;
  const auto run_as = [&](auto tag) {
    using T = decltype(tag);
    const auto from = [&](const auto* source) {
      if (y.f8)
        implementation_->run<T>(source, x.stride, y.f8, y.stride, x.rows, scratch.data());
      else
        implementation_->run<T>(source, x.stride, y.f4, y.stride, x.rows, scratch.data());
    };
    if (x.f8)
      from(x.f8);
    else
      from(x.f4);
  };
  if (implementation_->arithmetic == Arithmetic::Float64)
    run_as(double{});
  else
    run_as(float{});
}

void DenseInference::run(const ConstRows& x, const MutableRows& y) const {
  Scratch scratch = make_scratch();
  run(x, y, scratch);
}

void run_chunks(const DenseInference& network, const ConstRows& x, const MutableRows& y, int threads,
                std::size_t chunk_rows) {
  if (x.rows != y.rows) fail_input("as many rows must go out of the network as go in");
  const std::size_t chunks = (x.rows + chunk_rows - 1) / chunk_rows;
  exec::parallel_for(chunks, threads, [&](std::uint64_t chunk) {
    const std::size_t first = chunk * chunk_rows;
    ConstRows from = x;
    MutableRows to = y;
    from.rows = to.rows = std::min(chunk_rows, x.rows - first);
    if (from.f4) from.f4 += first * x.stride;
    if (from.f8) from.f8 += first * x.stride;
    if (to.f4) to.f4 += first * y.stride;
    if (to.f8) to.f8 += first * y.stride;
    network.run(from, to);
  });
}

}  // namespace haywatt::baler
