/// One step of training Baler's AE: loss, gradients, Adam. Two ways to the same numbers.
#pragma once
#include <ATen/ATen.h>

#include <memory>

#include "torch/parameters.hpp"

namespace haywatt::torch_plugin {

class TrainingStep {
 public:
  virtual ~TrainingStep() = default;
  /// One update with the rows of `x` (contiguous, of the network's type). The loss before it is added up: the sum of
  /// squares over the batch divided by the columns, not by the rows.
  virtual void step(const at::Tensor& x, double lr) = 0;
  /// Adds up the loss alone.
  virtual void evaluate(const at::Tensor& x) = 0;
  /// The losses since the last call, summed.
  virtual double take_loss() = 0;
};

/// Forward, backward and Adam written out: matrix products by the BLAS into buffers made once, all else fused
/// (torch/elementwise.hpp), no autograd graph. With `replicas` > 1 each batch is split by rows over as many threads,
/// whose gradients are summed: the same as one thread up to the order of summation.
std::unique_ptr<TrainingStep> make_fused_step(const Parameters& parameters, int replicas);

/// The same arithmetic by libtorch's operators alone, on the device of the parameters.
std::unique_ptr<TrainingStep> make_tensor_step(const Parameters& parameters);

/// The same with gradients by autograd.
struct AutogradHabits {
  bool plain_adam = false;  ///< torch::optim::Adam; else the loop of the fused step
  bool loss_items = false;  ///< fetch the loss after each batch; else once when it is taken
  bool bfloat16 = false;    ///< products and activations in bfloat16
};
std::unique_ptr<TrainingStep> make_autograd_step(const Parameters& parameters, const AutogradHabits& habits);

}  // namespace haywatt::torch_plugin
