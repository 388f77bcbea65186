/// Half of a project's network, ready to run on rows. The one place that chooses which code computes it.
#pragma once
#include <memory>
#include <vector>

#include "haywatt/codec/baler/dense_inference.hpp"
#include "haywatt/codec/baler/project_files.hpp"

namespace haywatt::baler {

/// Immutable, thread-safe. A row's result depends on that row alone, so batches and threads do not matter.
class Evaluator {
 public:
  virtual ~Evaluator() = default;
  /// `x`: rows of as many values as the first layer takes; `y`: as many rows of what the last gives.
  virtual void run(const ConstRows& x, const MutableRows& y) const = 0;
};

/// Layers must have passed check_layers. Dense ones run in DenseInference (`calibration`: rows, which Int8 needs),
/// others in the reference: with Float64 and Float32 the same bits on every machine. Error(Unavailable) for an
/// arithmetic that the layers cannot run in.
[[nodiscard]] std::unique_ptr<Evaluator> make_evaluator(const std::vector<Layer>& layers, Arithmetic arithmetic,
                                                        const ConstRows* calibration = nullptr);

/// One that calls the function.
[[nodiscard]] std::unique_ptr<Evaluator> make_evaluator(const RowFunction& function);

/// Error(Usage) if corrections are to be made or applied in another.
void refuse_with_corrections(const ProjectModel& model, Arithmetic arithmetic);

/// Rows of `width` values beside those of `reference`; values that are not finite in both are left out.
[[nodiscard]] Deviation deviation_of(const std::vector<double>& values, const std::vector<double>& reference,
                                     std::size_t width);

/// Every layer by its definition: each sum in double, from left to right, rounded to the arithmetic (Float64 or
/// Float32) once. The same bits on every machine.
[[nodiscard]] std::unique_ptr<Evaluator> make_reference_evaluator(const std::vector<Layer>& layers,
                                                                  Arithmetic arithmetic);

}  // namespace haywatt::baler
