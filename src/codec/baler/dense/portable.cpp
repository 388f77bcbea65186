#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <utility>

#include "codec/baler/dense/packed.hpp"

namespace haywatt::baler::dense::portable {

constexpr Instructions instructions = Instructions::Portable;

// Fused as in the other sets, so that all give the same bits; without an instruction for it, libm's function.
template <class Vector, class Real>
[[gnu::always_inline]] inline Vector multiply_add(const Vector& x, Real w, const Vector& sum) {
  Vector result;
  for (std::size_t i = 0; i < sizeof(Vector) / sizeof(Real); ++i) result[i] = std::fma(x[i], w, sum[i]);
  return result;
}

template <class Units, class Sums>
[[gnu::always_inline]] inline Sums int8_dot(const Units& x, std::uint32_t w, const Sums& sum) {
  Sums result = sum;
  for (int i = 0; i < 4; ++i) {
    const auto signed_byte = static_cast<std::int8_t>(w >> (8 * i) & 255U);
    result += reinterpret_cast<Sums>((x >> (8 * i)) & 255U) * static_cast<std::int32_t>(signed_byte);
  }
  return result;
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

}  // namespace haywatt::baler::dense::portable
