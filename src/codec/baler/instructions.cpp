#include "haywatt/codec/baler/instructions.hpp"

namespace haywatt::baler {

bool supported(Instructions set) noexcept {
#if defined(__x86_64__)
  const bool avx2 = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
  if (set == Instructions::Avx2) return avx2;
  if (set == Instructions::Avx512)
    return avx2 && __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
           __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vl") != 0;
#endif
  return set == Instructions::Portable;
}

Instructions best_instructions() noexcept {
  if (supported(Instructions::Avx512)) return Instructions::Avx512;
  return supported(Instructions::Avx2) ? Instructions::Avx2 : Instructions::Portable;
}

}  // namespace haywatt::baler
