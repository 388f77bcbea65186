/// The loops whose speed is a peak.
#pragma once
#include <cstddef>

namespace haywatt::trace {

struct PeakKernels {
  /// Runs `rounds` rounds of independent fused multiply-adds and returns their sum, so that nothing is left out.
  double (*multiply_add_f64)(std::size_t rounds);
  double (*multiply_add_f32)(std::size_t rounds);
  std::size_t flops_per_round_f64, flops_per_round_f32;
  /// Reads `bytes` (a multiple of 1,024, aligned to 64) and returns a sum of what is there.
  double (*read)(const std::byte* from, std::size_t bytes);
};

/// The widest that this processor has.
[[nodiscard]] const PeakKernels& peak_kernels();

}  // namespace haywatt::trace
