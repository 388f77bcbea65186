/// Adam's step by libtorch's operators, on whatever device the weights are.
#pragma once
#include <ATen/ATen.h>

#include "torch/elementwise.hpp"

namespace haywatt::torch_plugin {

class TensorAdam {
 public:
  explicit TensorAdam(const at::Tensor& weights) : mean_(at::zeros_like(weights)), square_(at::zeros_like(weights)) {}
  void update(const at::Tensor& weights, const at::Tensor& gradient, double lr) {
    factors_.set_step(++steps_, lr);
    mean_.mul_(factors_.beta1).add_(gradient, 1.0 - factors_.beta1);
    square_.mul_(factors_.beta2).addcmul_(gradient, gradient, 1.0 - factors_.beta2);
    weights.addcdiv_(mean_, square_.sqrt().div_(factors_.root_correction).add_(factors_.epsilon), -factors_.step_size);
  }

 private:
  at::Tensor mean_, square_;
  AdamFactors factors_;
  std::int64_t steps_ = 0;
};

}  // namespace haywatt::torch_plugin
