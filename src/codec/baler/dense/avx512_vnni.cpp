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

#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma")

namespace haywatt::baler::dense::avx512_vnni {

constexpr Instructions instructions = Instructions::Avx512;

template <class Units, class Sums>
[[gnu::always_inline]] inline Sums int8_dot(const Units& x, std::uint32_t w, const Sums& sum) {
  return reinterpret_cast<Sums>(_mm512_dpbusd_epi32(reinterpret_cast<__m512i>(sum), reinterpret_cast<__m512i>(x),
                                                    _mm512_set1_epi32(static_cast<int>(w))));
}

#include "codec/baler/dense/kernel.inl"

template void run_rows(const PackedNetwork<Arithmetic::Int8>&, const ConstRows&, const MutableRows&, std::byte*,
                       StepTimes*);

}  // namespace haywatt::baler::dense::avx512_vnni
#endif
