/// The two limits of the roofline model (Williams, Waterman and Patterson, CACM 52(4), 2009), measured on this machine:
/// arithmetic from registers, and reading from each level of memory.
#pragma once
#include <vector>

#include "haywatt/record/profile.hpp"

namespace haywatt::trace {

struct Peaks {
  std::vector<ComputePeak> compute;  ///< f64 and f32, one thread and `threads`
  std::vector<MemoryPeak> memory;    ///< L1, L2, L3, DRAM, likewise
};

/// Takes one to three seconds: independent fused multiply-adds with the widest vectors of this processor (an FMA is two
/// FLOPs; where it has none, a product and a sum), and sums over a buffer of half a cache level (of L3 at most
/// 32 MB), or of four times the last level (64 MB to 512 MB in all). The best of several short passes counts: a peak is
/// what the machine can do, not what neighbours leave of it.
[[nodiscard]] Peaks measure_peaks(int threads);

/// What the roofline allows an operator of this intensity (FLOPs a byte) with data in `memory`.
[[nodiscard]] double attainable_flops_per_s(double flops_per_B, const ComputePeak& compute, const MemoryPeak& memory);

/// The peak of the dtype with this many threads, or the nearest number below; nullptr if there is none of the dtype.
[[nodiscard]] const ComputePeak* find_peak(const std::vector<ComputePeak>& peaks, const std::string& dtype,
                                           int threads);
/// The smallest level that holds `working_set_B`, with as many threads; nullptr if none was measured.
[[nodiscard]] const MemoryPeak* find_level(const std::vector<MemoryPeak>& peaks, double working_set_B, int threads);

}  // namespace haywatt::trace
