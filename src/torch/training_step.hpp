/// One step of training Baler's AE: loss, gradients, Adam. Two ways to the same numbers.
#pragma once
#include <ATen/ATen.h>

#include <memory>

#include "torch/parameters.hpp"

namespace haywatt::torch_plugin {

class TrainingStep {
 public:
  virtual ~TrainingStep() = default;
  /// One update with the rows of `x` (contiguous, of the network's type); returns the loss before it: the sum of
  /// squares over the batch divided by the columns, not by the rows.
  virtual double step(const at::Tensor& x, double lr) = 0;
  /// The loss alone.
  virtual double loss(const at::Tensor& x) = 0;
};

/// Forward, backward and Adam written out: matrix products by the BLAS into buffers made once, all else fused
/// (torch/elementwise.hpp), no autograd graph. With `replicas` > 1 each batch is split by rows over as many threads,
/// whose gradients are summed: the same as one thread up to the order of summation.
std::unique_ptr<TrainingStep> make_fused_step(const Parameters& parameters, int replicas);

}  // namespace haywatt::torch_plugin
