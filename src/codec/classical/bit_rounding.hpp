/// Rounding of floats to fewer mantissa bits: the lossy step of the bounds rel:E and bits:N. The values stay floats
/// of their type; their low bits are zero and compress away.
#pragma once
#include "haywatt/data/bound.hpp"

namespace haywatt {

/// The fewest explicit mantissa bits that keep |x-x'| <= epsilon*|x|. Rounding to N bits errs by at most
/// u = 2^-(N+1) of the leading bit; the worst tie lies at 1 + u, so the largest relative error is u/(1+u).
[[nodiscard]] int mantissa_bits_for_relative(double epsilon);

/// Rounds f2, f4 or f8 values in place to `mantissa_bits` explicit bits, half to even, in integer arithmetic on their
/// bits. Zeros, denormals, infinities, NaN and values that would round to infinity stay as they are.
void round_mantissas(const DType& type, std::span<std::byte> values, int mantissa_bits);

/// round_mantissas as a Rel or Bits bound asks; anything else leaves the values alone.
void round_for_bound(const DType& type, std::span<std::byte> values, const ResolvedBound& bound);

}  // namespace haywatt
