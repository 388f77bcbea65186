// The one judge of bounds: encoders and verifiers both ask it.
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "data/value_types.hpp"
#include "haywatt/data/bound.hpp"

namespace haywatt {
namespace {

__extension__ using Wide = __int128;

/// |x - y| <= limit, exactly: Knuth's two-sum gives the rounding error of the difference (TAOCP 2, 4.2.2).
bool within_exactly(double x, double y, double limit) {
  const double d = x - y;
  const double y_part = x - d;
  const double error = (x - (d + y_part)) + (y_part - y);
  const double magnitude = std::fabs(d);
  if (magnitude != limit) return magnitude < limit;
  return (d >= 0 ? error : -error) <= 0;
}

bool is_special(Half h) {
  const int exponent = (h.bits >> 10) & 31;
  return exponent == 31 || (exponent == 0 && h.bits != 0);
}
template <class T>
requires std::is_floating_point_v<T>
bool is_special(T v) {
  const int c = std::fpclassify(v);
  return c == FP_NAN || c == FP_INFINITE || c == FP_SUBNORMAL || (c == FP_ZERO && std::signbit(v));
}
template <class T>
bool is_special(T) {
  return false;
}

template <class T>
struct Judge {
  const ResolvedBound& bound;
  double limit;  ///< epsilon with the margin

  [[nodiscard]] bool within(T x, T y) const {
    if (same_bits(x, y)) return true;
    if constexpr (std::is_same_v<T, Bool8>) {
      return bound.kind == BoundKind::None;
    } else if constexpr (std::is_integral_v<T>) {
      if (bound.kind == BoundKind::None) return true;
      if (bound.kind != BoundKind::Abs) return false;
      const Wide d = static_cast<Wide>(x) - static_cast<Wide>(y);
      return static_cast<long double>(d < 0 ? -d : d) <= static_cast<long double>(bound.epsilon);
    } else {
      if (bound.kind == BoundKind::None) return true;
      if (bound.kind == BoundKind::Lossless || is_special(x)) return false;
      const double a = to_double(x);
      const double b = to_double(y);
      if (!std::isfinite(b)) return false;
      if (bound.kind == BoundKind::Abs) return within_exactly(a, b, limit);
      if (bound.kind == BoundKind::Rel) return a != 0.0 && within_exactly(a, b, limit * std::fabs(a));
      // Half a unit of the N-th mantissa bit of x. frexp gives |a| in [0.5, 1) * 2^e, so the leading bit weighs
      // 2^(e-1).
      if (a == 0.0) return false;
      int e = 0;
      (void)std::frexp(a, &e);
      return within_exactly(a, b, std::ldexp(1.0, e - 1 - bound.mantissa_bits - 1));
    }
  }
};

}  // namespace

std::vector<std::uint64_t> find_violations(const DType& type, ByteSpan original, ByteSpan decoded,
                                           const ResolvedBound& bound, double margin) {
  if (original.size() != decoded.size()) fail_check("decoded data have another size than the original");
  std::vector<std::uint64_t> violations;
  if (bound.kind == BoundKind::None) return violations;
  if (bound.kind == BoundKind::Lossless && std::equal(original.begin(), original.end(), decoded.begin()))
    return violations;
  visit_type(type, [&]<class T>(T) {
    const auto x = values_of<T>(original);
    const auto y = values_of<T>(decoded);
    const Judge<T> judge{bound, bound.epsilon * margin};
    for (std::size_t i = 0; i < x.size(); ++i)
      if (!judge.within(x[i], y[i])) violations.push_back(i);
  });
  return violations;
}

}  // namespace haywatt
