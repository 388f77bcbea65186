/// The limits of the roofline model (haywatt/metrics/roofline.hpp), measured on this machine:
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

}  // namespace haywatt::trace
