#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <utility>

#include "codec/baler/dense/packed.hpp"

#if defined(__x86_64__)
// g++ 12 takes the intrinsics' own undefined values for uninitialised ones (GCC bug 105593).
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>

#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma")

namespace haywatt::baler::dense::avx512_bf16 {

constexpr Instructions instructions = Instructions::Avx512;

template <class Units>
[[gnu::always_inline]] inline __m512 bfloat16_dot(const Units& x, std::uint32_t w, __m512 sum) {
  return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(x),
                          reinterpret_cast<__m512bh>(_mm512_set1_epi32(static_cast<int>(w))));
}

[[gnu::always_inline]] inline auto bfloat16_pair(__m512 low, __m512 high) {
  using Units = std::uint32_t __attribute__((vector_size(64)));
  const __m512i even = _mm512_cvtepu16_epi32(reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(low)));
  const __m512i odd = _mm512_cvtepu16_epi32(reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(high)));
  return reinterpret_cast<Units>(_mm512_or_si512(even, _mm512_slli_epi32(odd, 16)));
}

#include "codec/baler/dense/kernel.inl"

template void run_rows(const PackedNetwork<Arithmetic::BFloat16>&, const ConstRows&, const MutableRows&, std::byte*,
                       StepTimes*);

}  // namespace haywatt::baler::dense::avx512_bf16
#endif
