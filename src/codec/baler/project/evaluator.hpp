/// Half of a project's network, ready to run on rows. The one place that chooses which code computes it.
#pragma once
#include <memory>
#include <vector>

#include "haywatt/codec/baler/dense_inference.hpp"
#include "haywatt/codec/baler/project.hpp"

namespace haywatt::baler {

/// Immutable, thread-safe. A row's result depends on that row alone, so batches and threads do not matter.
class Evaluator {
 public:
  virtual ~Evaluator() = default;
  /// `x`: rows of as many values as the first layer takes; `y`: as many rows of what the last gives.
  virtual void run(const ConstRows& x, const MutableRows& y) const = 0;
};

/// Dense layers run in DenseInference, others in ReferenceEvaluator. `layers` must have passed
/// check_layers.
[[nodiscard]] std::unique_ptr<Evaluator> make_evaluator(const std::vector<Layer>& layers, Arithmetic arithmetic);

/// Every layer by its definition: each sum in double, from left to right, rounded to the arithmetic once.
[[nodiscard]] std::unique_ptr<Evaluator> make_reference_evaluator(const std::vector<Layer>& layers,
                                                                  Arithmetic arithmetic);

}  // namespace haywatt::baler
