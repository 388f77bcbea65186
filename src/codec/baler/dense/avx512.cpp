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

#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")

namespace haywatt::baler::dense::avx512 {

constexpr Instructions instructions = Instructions::Avx512;

[[gnu::always_inline]] inline __m512 multiply_add(__m512 x, float w, __m512 sum) {
  return _mm512_fmadd_ps(x, _mm512_set1_ps(w), sum);
}
[[gnu::always_inline]] inline __m512d multiply_add(__m512d x, double w, __m512d sum) {
  return _mm512_fmadd_pd(x, _mm512_set1_pd(w), sum);
}

#include "codec/baler/dense/kernel.inl"

template void run_rows(const PackedNetwork<Arithmetic::Float64>&, const ConstRows&, const MutableRows&, std::byte*,
                       StepTimes*);
template void run_rows(const PackedNetwork<Arithmetic::Float32>&, const ConstRows&, const MutableRows&, std::byte*,
                       StepTimes*);

}  // namespace haywatt::baler::dense::avx512
#endif
