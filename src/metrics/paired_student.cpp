// Student's t distribution.
#include <cmath>
#include <limits>

#include "haywatt/metrics/paired.hpp"

namespace haywatt::metrics {
namespace {

/// Continued fraction of the incomplete beta function, by Lentz's method (Thompson and Barnett, J. Comput. Phys. 64).
double beta_fraction(double a, double b, double x) {
  constexpr double tiny = std::numeric_limits<double>::min();
  const auto kept_from_zero = [](double v) { return std::fabs(v) < tiny ? tiny : v; };
  double c = 1.0, d = 1.0 / kept_from_zero(1.0 - (a + b) * x / (a + 1.0)), f = d;
  for (int m = 1; m <= 1000; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1.0 / kept_from_zero(1.0 + even * d);
    c = kept_from_zero(1.0 + even / c);
    f *= c * d;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1.0 / kept_from_zero(1.0 + odd * d);
    c = kept_from_zero(1.0 + odd / c);
    f *= c * d;
    if (std::fabs(c * d - 1.0) < 1e-15) break;
  }
  return f;
}

double incomplete_beta(double a, double b, double x) {
  if (x <= 0.0) return 0.0;
  if (x >= 1.0) return 1.0;
  const double front =
      std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) + a * std::log(x) + b * std::log1p(-x));
  return x < (a + 1.0) / (a + b + 2.0) ? front * beta_fraction(a, b, x) / a
                                       : 1.0 - front * beta_fraction(b, a, 1.0 - x) / b;
}

}  // namespace

double student_t_cdf(double t, double degrees) {
  const double outside = 0.5 * incomplete_beta(degrees / 2.0, 0.5, degrees / (degrees + t * t));
  return t > 0.0 ? 1.0 - outside : outside;
}

double student_t_quantile(double p, double degrees) {
  if (p == 0.5) return 0.0;
  const double upper = p > 0.5 ? p : 1.0 - p;
  double low = 0.0, high = 1.0;
  while (student_t_cdf(high, degrees) < upper && high < 1e300) high *= 2.0;
  for (int i = 0; i < 200 && high - low > 1e-12 * high; ++i) {
    const double middle = 0.5 * (low + high);
    (student_t_cdf(middle, degrees) < upper ? low : high) = middle;
  }
  return p > 0.5 ? high : -high;
}

}  // namespace haywatt::metrics
