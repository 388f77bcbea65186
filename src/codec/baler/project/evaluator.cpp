#include "codec/baler/project/evaluator.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "codec/baler/network.hpp"
#include "haywatt/base/error.hpp"

namespace haywatt::baler {
namespace {

using Kind = Layer::Kind;

/// Takes x * scale + shift, feature by feature, into a layer that follows it.
void fold_before(Linear& layer, const Layer& affine) {
  for (std::size_t o = 0; o < layer.outputs; ++o) {
    double* row = layer.weight.data() + o * layer.inputs;
    for (std::size_t i = 0; i < layer.inputs; ++i) {
      layer.bias[o] += row[i] * affine.bias[i];
      row[i] *= affine.weight[i];
    }
  }
}

/// Takes y * scale + shift into the layer that gives y.
void fold_after(Linear& layer, const Layer& affine) {
  for (std::size_t o = 0; o < layer.outputs; ++o) {
    for (std::size_t i = 0; i < layer.inputs; ++i) layer.weight[o * layer.inputs + i] *= affine.weight[o];
    layer.bias[o] = layer.bias[o] * affine.weight[o] + affine.bias[o];
  }
}

/// The layers as Linear with an activation each, if that is all they are. BatchNorm goes into a neighbour.
std::optional<std::vector<DenseLayer>> as_dense(const std::vector<Layer>& layers) {
  std::vector<DenseLayer> dense;
  const Layer* pending = nullptr;
  for (const Layer& l : layers) {
    const bool bare = !dense.empty() && dense.back().activation == Activation::None;
    if (l.kind == Kind::Linear) {
      DenseLayer d;
      d.linear.inputs = static_cast<std::uint32_t>(l.in.values());
      d.linear.outputs = static_cast<std::uint32_t>(l.out.values());
      d.linear.weight = l.weight;
      d.linear.bias = l.bias;
      if (pending != nullptr) fold_before(d.linear, *pending);
      pending = nullptr;
      dense.push_back(std::move(d));
    } else if (pending == nullptr && bare && (l.kind == Kind::Relu || l.kind == Kind::LeakyRelu)) {
      dense.back().activation = l.kind == Kind::Relu ? Activation::Relu : Activation::LeakyRelu;
      dense.back().slope = l.slope;
    } else if (pending == nullptr && l.kind == Kind::Affine && l.in.height == 1 && l.in.width == 1 && bare) {
      fold_after(dense.back().linear, l);
    } else if (pending == nullptr && l.kind == Kind::Affine && l.in.height == 1 && l.in.width == 1) {
      pending = &l;
    } else {
      return std::nullopt;
    }
  }
  if (pending != nullptr || dense.empty()) return std::nullopt;
  return dense;
}

/// The layers as Network has them: LeakyReLU(0.01) after all but the last.
std::optional<std::vector<Linear>> as_chain(const std::vector<Layer>& layers) {
  std::vector<Linear> chain;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (i % 2 == 0 ? layers[i].kind != Kind::Linear : layers[i].kind != Kind::LeakyRelu || layers[i].slope != 0.01)
      return std::nullopt;
    if (i % 2 == 1) continue;
    chain.push_back({static_cast<std::uint32_t>(layers[i].in.values()),
                     static_cast<std::uint32_t>(layers[i].out.values()), layers[i].weight, layers[i].bias});
  }
  if (layers.size() % 2 == 0) return std::nullopt;
  return chain;
}

class DenseEvaluator final : public Evaluator {
 public:
  DenseEvaluator(const std::vector<DenseLayer>& layers, Arithmetic arithmetic, const ConstRows* calibration)
      : network_(layers, arithmetic, {}, {}, calibration) {}
  void run(const ConstRows& x, const MutableRows& y) const override { network_.run(x, y); }

 private:
  DenseInference network_;
};

template <class T>
class NetworkEvaluator final : public Evaluator {
 public:
  explicit NetworkEvaluator(const std::vector<Linear>& layers) : network_(layers) {}

  void run(const ConstRows& x, const MutableRows& y) const override {
    constexpr std::size_t block = block_rows<T>;
    const std::size_t inputs = network_.inputs(), outputs = network_.outputs();
    AlignedBuffer<T> in(inputs * block), out(outputs * block);
    auto scratch = network_.make_scratch();
    for (std::size_t first = 0; first < x.rows; first += block) {
      const std::size_t count = std::min(block, x.rows - first);
      for (std::size_t r = 0; r < count; ++r)
        for (std::size_t i = 0, at = (first + r) * x.stride; i < inputs; ++i, ++at)
          in.data()[i * block + r] = x.f4 != nullptr ? static_cast<T>(x.f4[at]) : static_cast<T>(x.f8[at]);
      network_.run(in.data(), out.data(), scratch);
      for (std::size_t r = 0; r < count; ++r) {
        for (std::size_t i = 0, at = (first + r) * y.stride; i < outputs; ++i, ++at) {
          const T v = out.data()[i * block + r];
          if (y.f4 != nullptr) {
            y.f4[at] = static_cast<float>(v);
          } else {
            y.f8[at] = static_cast<double>(v);
          }
        }
      }
    }
  }

 private:
  Network<T> network_;
};

}  // namespace

std::unique_ptr<Evaluator> make_evaluator(const std::vector<Layer>& layers, Arithmetic arithmetic, Bits bits,
                                          const ConstRows* calibration) {
  const bool coarse = arithmetic == Arithmetic::BFloat16 || arithmetic == Arithmetic::Int8;
  if (bits == Bits::Same) {
    if (const auto chain = as_chain(layers); chain && !coarse) {
      if (arithmetic == Arithmetic::Float64) return std::make_unique<NetworkEvaluator<double>>(*chain);
      return std::make_unique<NetworkEvaluator<float>>(*chain);
    }
  } else if (const auto dense = as_dense(layers)) {
    return std::make_unique<DenseEvaluator>(*dense, arithmetic, calibration);
  }
  if (coarse) fail_unavailable("bfloat16 and int8 are there for dense models without corrections only: take float32");
  return make_reference_evaluator(layers, arithmetic);
}

void refuse_with_corrections(const ProjectModel& model, Arithmetic arithmetic) {
  if (arithmetic != own_arithmetic(model))
    fail_usage("corrections are made for the model's own precision: leave out --arithmetic");
}

Deviation deviation_of(const std::vector<double>& values, const std::vector<double>& reference, std::size_t width) {
  Deviation d;
  std::vector<double> mean(width, 0.0);
  const auto rows = static_cast<double>(reference.size() / width);
  for (std::size_t i = 0; i < reference.size(); ++i) mean[i % width] += reference[i] / rows;
  double sum = 0.0, reference_sum = 0.0;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    const double off = std::fabs(values[i] - reference[i]), spread = reference[i] - mean[i % width];
    if (!std::isfinite(off)) continue;
    d.largest = std::max(d.largest, off);
    sum += off * off;
    reference_sum += spread * spread;
  }
  d.rms = std::sqrt(sum / static_cast<double>(std::max<std::size_t>(reference.size(), 1)));
  d.reference_rms = std::sqrt(reference_sum / static_cast<double>(std::max<std::size_t>(reference.size(), 1)));
  return d;
}

}  // namespace haywatt::baler
