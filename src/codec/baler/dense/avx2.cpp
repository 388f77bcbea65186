#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <utility>

#include "codec/baler/dense/packed.hpp"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma GCC target("avx2,fma")

namespace haywatt::baler::dense::avx2 {

constexpr Instructions instructions = Instructions::Avx2;

[[gnu::always_inline]] inline __m256 multiply_add(__m256 x, float w, __m256 sum) {
  return _mm256_fmadd_ps(x, _mm256_set1_ps(w), sum);
}
[[gnu::always_inline]] inline __m256d multiply_add(__m256d x, double w, __m256d sum) {
  return _mm256_fmadd_pd(x, _mm256_set1_pd(w), sum);
}

// Bytes as 16-bit values: the instruction for bytes would saturate their sums.
template <class Units, class Sums>
[[gnu::always_inline]] inline Sums int8_dot(const Units& x, std::uint32_t w, const Sums& sum) {
  const __m256i bytes = reinterpret_cast<__m256i>(x), low = _mm256_set1_epi16(255);
  const __m256i weights = _mm256_set1_epi32(static_cast<int>(w));
  const __m256i even =
      _mm256_madd_epi16(_mm256_and_si256(bytes, low), _mm256_srai_epi16(_mm256_slli_epi16(weights, 8), 8));
  const __m256i odd = _mm256_madd_epi16(_mm256_srli_epi16(bytes, 8), _mm256_srai_epi16(weights, 8));
  return sum + reinterpret_cast<Sums>(even) + reinterpret_cast<Sums>(odd);
}

#include "codec/baler/dense/dots.inl"
#include "codec/baler/dense/kernel.inl"

template void run_rows(const PackedNetwork<Arithmetic::Float64>&, const ConstRows&, const MutableRows&, std::byte*,
                       StepTimes*);
template void run_rows(const PackedNetwork<Arithmetic::Float32>&, const ConstRows&, const MutableRows&, std::byte*,
                       StepTimes*);
template void run_rows(const PackedNetwork<Arithmetic::BFloat16>&, const ConstRows&, const MutableRows&, std::byte*,
                       StepTimes*);
template void run_rows(const PackedNetwork<Arithmetic::Int8>&, const ConstRows&, const MutableRows&, std::byte*,
                       StepTimes*);

}  // namespace haywatt::baler::dense::avx2
#endif
