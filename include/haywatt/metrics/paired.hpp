/// How much larger is B than A, from runs of both: robust estimates of a ratio with an interval. Pure functions.
///
/// Everything is in natural logarithms of ratios, so that 2 and 1/2 are equally far from 1.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace haywatt::metrics {

/// A location with its interval, for ratios in logarithms, for differences in the unit of the values.
struct Estimate {
  double centre = 0.0;
  double low = 0.0, high = 0.0;  ///< infinite when the values cannot tell
  std::size_t n = 0;             ///< values that went in
  std::string how;               ///< how the interval was made, for the record
};

/// The centre of differences that scatter about it alike to both sides: the Hodges–Lehmann estimate, the median of all
/// pairwise means, with the interval that inverts Wilcoxon's signed-rank test (Hodges and Lehmann, Ann. Math. Stat. 34,
/// 1963), interpolated to `level` between its steps. From 2 to 5 values, where that test has no 95 % interval: mean and
/// Student's t. One value: infinite interval. `values` must be finite; none: NaN. Equal values give an interval of no
/// width. O(n² log n): meant for n up to a few hundred.
[[nodiscard]] Estimate paired_centre(std::span<const double> values, double level = 0.95);

/// mean(b) - mean(a) with Welch's t interval (Biometrika 34, 1947), for runs that were not made in pairs. With a single
/// value on a side the interval is infinite.
[[nodiscard]] Estimate unpaired_centre(std::span<const double> a, std::span<const double> b, double level = 0.95);

/// The estimate with an uncertainty added that repeats do not show, in quadrature: `u` is its standard uncertainty.
[[nodiscard]] Estimate widened(const Estimate& e, double u);

/// Probability that the true centre is below 0, from a normal curve around `centre` whose 97.5 % point is the
/// interval's end on the side of 0. So it is at least 0.975 exactly when the whole interval lies below 0.
[[nodiscard]] double probability_below_zero(const Estimate& e);

/// Half of the interval's width.
[[nodiscard]] double half_width(const Estimate& e);

/// The smallest true difference that four of five such experiments tell from 0: (1.96 + 0.84) standard errors.
[[nodiscard]] double detectable(const Estimate& e);

/// About how many values in all a half-width of `wanted` needs, from the present one and 1/√n. `u` is the standard
/// uncertainty that no number of values reduces, already contained in `e`. Nothing: no number does, or not known.
[[nodiscard]] std::optional<std::uint64_t> values_needed(const Estimate& e, double wanted, double u = 0.0);

/// Distribution function of Student's t with `degrees` > 0 degrees of freedom (Abramowitz and Stegun 26.7.1, by the
/// continued fraction 26.5.8 of the incomplete beta function).
[[nodiscard]] double student_t_cdf(double t, double degrees);
/// Its inverse for p in (0, 1), to 1e-10.
[[nodiscard]] double student_t_quantile(double p, double degrees);

}  // namespace haywatt::metrics
