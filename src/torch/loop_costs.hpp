/// What the loops of torch/elementwise.hpp do, counted (docs/counting.md).
#pragma once
#include <ATen/ATen.h>

#include "haywatt/base/operator.hpp"
#include "torch/parameters.hpp"
#include "torch/watch.hpp"

namespace haywatt::torch_plugin {

inline OperatorCost loop_cost(double values, double flops, double read_B, double written_B) {
  return {
      .macs = 0, .flops = flops * values, .read_B = read_B * values, .written_B = written_B * values, .parameters = 0};
}

/// z += bias, and an activation: one FLOP each.
inline OperatorCost bias_cost(const at::Tensor& z, bool activated) {
  const auto item = static_cast<double>(z.element_size());
  OperatorCost cost = loop_cost(static_cast<double>(z.numel()), activated ? 2 : 1, item, item);
  cost.read_B += item * static_cast<double>(z.size(1));
  return cost;
}

/// Difference, its square, the sum, the gradient.
inline OperatorCost loss_cost(const at::Tensor& x) {
  const auto item = static_cast<double>(x.element_size());
  return loop_cost(static_cast<double>(x.numel()), 4, 2 * item, item);
}

/// The sum over rows, and the activation's gradient in place.
inline OperatorCost activation_gradient_cost(const at::Tensor& g, bool activated) {
  const auto item = static_cast<double>(g.element_size());
  return activated ? loop_cost(static_cast<double>(g.numel()), 2, 2 * item, item)
                   : loop_cost(static_cast<double>(g.numel()), 1, item, 0);
}

/// Adam's 13 FLOPs a weight, and the sum over gradients of several threads.
inline OperatorCost adam_cost(std::int64_t weights, const Parameters& parameters, std::size_t gradients = 1) {
  const auto item = static_cast<double>(parameters.flat().element_size());
  const auto more = static_cast<double>(gradients - 1);
  OperatorCost cost = loop_cost(static_cast<double>(weights), 13 + more, (4 + more) * item, (3 + more) * item);
  cost.parameters = static_cast<double>(weights);
  return cost;
}

}  // namespace haywatt::torch_plugin
