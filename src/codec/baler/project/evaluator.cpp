#include "codec/baler/project/evaluator.hpp"

#include <optional>

namespace haywatt::baler {
namespace {

/// The layers as Linear with an activation each, if that is all they are.
std::optional<std::vector<DenseLayer>> as_dense(const std::vector<Layer>& layers) {
  std::vector<DenseLayer> dense;
  for (const Layer& l : layers) {
    if (l.kind == Layer::Kind::Linear) {
      DenseLayer d;
      d.linear.inputs = static_cast<std::uint32_t>(l.in.values());
      d.linear.outputs = static_cast<std::uint32_t>(l.out.values());
      d.linear.weight = l.weight;
      d.linear.bias = l.bias;
      dense.push_back(std::move(d));
    } else if ((l.kind == Layer::Kind::Relu || l.kind == Layer::Kind::LeakyRelu) && !dense.empty() &&
               dense.back().activation == Activation::None) {
      dense.back().activation = l.kind == Layer::Kind::Relu ? Activation::Relu : Activation::LeakyRelu;
      dense.back().slope = l.slope;
    } else {
      return std::nullopt;
    }
  }
  return dense;
}

class DenseEvaluator final : public Evaluator {
 public:
  DenseEvaluator(const std::vector<DenseLayer>& layers, Arithmetic arithmetic) : network_(layers, arithmetic) {}
  void run(const ConstRows& x, const MutableRows& y) const override { network_.run(x, y); }

 private:
  DenseInference network_;
};

}  // namespace

std::unique_ptr<Evaluator> make_evaluator(const std::vector<Layer>& layers, Arithmetic arithmetic) {
  if (const auto dense = as_dense(layers)) return std::make_unique<DenseEvaluator>(*dense, arithmetic);
  return make_reference_evaluator(layers, arithmetic);
}

}  // namespace haywatt::baler
