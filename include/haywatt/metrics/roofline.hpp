/// The roofline model: Williams, Waterman and Patterson, "Roofline: an insightful visual performance model for
/// multicore architectures", CACM 52(4), 2009. Pure functions, thread-safe.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "haywatt/record/profile.hpp"

namespace haywatt::metrics {

/// min(peak arithmetic, intensity x peak bandwidth), FLOP/s.
[[nodiscard]] double attainable_flops_per_s(double flops_per_B, const ComputePeak& compute, const MemoryPeak& memory);

/// The peak of the dtype with this many threads, or the nearest number below; nullptr if there is none of the dtype.
[[nodiscard]] const ComputePeak* find_peak(const std::vector<ComputePeak>& peaks, const std::string& dtype,
                                           int threads);
/// The smallest level that holds `working_set_B`, with as many threads or the nearest number below; nullptr if none was
/// measured. The level of size 0 is beyond all caches.
[[nodiscard]] const MemoryPeak* find_level(const std::vector<MemoryPeak>& peaks, double working_set_B, int threads);

/// Where an operator stands under the roof of one thread.
struct RooflinePosition {
  double flops_per_B = 0.0;    ///< arithmetic intensity: FLOPs over bytes read and written
  double flops_per_s = 0.0;    ///< achieved: FLOPs over device, else CPU, else own wall time: waiting for a CPU is no
                               ///< slowness of the operator
  double attainable = 0.0;     ///< FLOP/s
  double share = 0.0;          ///< achieved over attainable
  bool compute_bound = false;  ///< the roof above it is the flat one
  std::string level;           ///< memory that holds what one call touches, or a nearer one if bytes came faster: "L2"
};

/// Nothing if its FLOPs, bytes, time or a peak of its dtype are not known.
[[nodiscard]] std::optional<RooflinePosition> roofline_position(const OperatorRecord& op,
                                                                const std::vector<ComputePeak>& compute,
                                                                const std::vector<MemoryPeak>& memory);

}  // namespace haywatt::metrics
