#include "codec/baler/project/evaluator.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "codec/baler/scratch_pool.hpp"
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

class DenseEvaluator final : public Evaluator {
 public:
  DenseEvaluator(const std::vector<DenseLayer>& layers, Arithmetic arithmetic, const ConstRows* calibration)
      : network_(layers, arithmetic, {}, {}, calibration) {}
  void run(const ConstRows& x, const MutableRows& y) const override { scratches_.run(network_, x, y); }

 private:
  DenseInference network_;
  mutable ScratchPool scratches_;
};

class FunctionEvaluator final : public Evaluator {
 public:
  explicit FunctionEvaluator(const RowFunction& function) : function_(function) {}
  void run(const ConstRows& x, const MutableRows& y) const override { function_(x, y); }

 private:
  RowFunction function_;
};

}  // namespace

std::optional<std::vector<DenseLayer>> dense_layers(const std::vector<Layer>& layers) {
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

std::unique_ptr<Evaluator> make_evaluator(const RowFunction& function) {
  return std::make_unique<FunctionEvaluator>(function);
}

std::unique_ptr<Evaluator> make_evaluator(const std::vector<Layer>& layers, Arithmetic arithmetic,
                                          const ConstRows* calibration) {
  if (const auto dense = dense_layers(layers)) return std::make_unique<DenseEvaluator>(*dense, arithmetic, calibration);
  if (arithmetic == Arithmetic::BFloat16 || arithmetic == Arithmetic::Int8)
    fail_unavailable("bfloat16 and int8 are there for dense models only: take float32");
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
