#include "haywatt/metrics/paired.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

namespace haywatt::metrics {
namespace {

constexpr double z95 = 1.95996398454;    // 97.5 % point of the standard normal distribution
constexpr double z_power = 0.841621234;  // its 80 % point
constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr std::size_t fewest_for_ranks = 6;  // Wilcoxon's interval of 5 values has 93.75 % at most

double mean_of(std::span<const double> values) {
  double sum = 0.0;
  for (const double v : values) sum += v;
  return sum / static_cast<double>(values.size());
}

double variance_of(std::span<const double> values, double mean) {
  double sum = 0.0;
  for (const double v : values) sum += (v - mean) * (v - mean);
  return sum / static_cast<double>(values.size() - 1);
}

/// Means of every two values and of each with itself, sorted.
std::vector<double> walsh_averages(std::span<const double> values) {
  std::vector<double> means;
  means.reserve(values.size() * (values.size() + 1) / 2);
  for (std::size_t i = 0; i < values.size(); ++i)
    for (std::size_t j = i; j < values.size(); ++j) means.push_back(0.5 * (values[i] + values[j]));
  std::sort(means.begin(), means.end());
  return means;
}

/// How deep into the sorted Walsh averages the interval begins, as a place that may lie between two of them:
/// P(W < depth) = tail for the signed-rank sum W of n values, which is symmetric about n (n + 1) / 4.
double signed_rank_depth(std::size_t n, double tail) {
  const std::size_t largest = n * (n + 1) / 2;
  std::vector<double> probability(largest + 1, 0.0);
  probability[0] = 1.0;
  std::size_t reach = 0;
  for (std::size_t rank = 1; rank <= n; ++rank) {
    reach += rank;
    for (std::size_t s = reach + 1; s-- > 0;)
      probability[s] = 0.5 * (probability[s] + (s >= rank ? probability[s - rank] : 0.0));
  }
  double below = 0.0;
  std::size_t k = 0;
  for (; below + probability[k] <= tail; ++k) below += probability[k];
  return static_cast<double>(k) + (tail - below) / probability[k];
}

/// The value at a place (1 is the least) among the sorted ones.
double at_place(const std::vector<double>& sorted, double place) {
  const double from_zero = std::max(place - 1.0, 0.0);
  const auto i = static_cast<std::size_t>(from_zero);
  if (i + 1 >= sorted.size()) return sorted.back();
  return sorted[i] + (from_zero - static_cast<double>(i)) * (sorted[i + 1] - sorted[i]);
}

Estimate by_ranks(std::span<const double> values, double level) {
  const std::vector<double> means = walsh_averages(values);
  const auto count = static_cast<double>(means.size());
  const double depth = signed_rank_depth(values.size(), (1.0 - level) / 2.0);
  return {at_place(means, 0.5 * (count + 1.0)), at_place(means, depth), at_place(means, count + 1.0 - depth),
          values.size(),
          fmt::format("Hodges-Lehmann estimate, Wilcoxon signed-rank interval, {} pairs", values.size())};
}

double normal_cdf(double z) { return 0.5 * std::erfc(-z / std::numbers::sqrt2); }

}  // namespace

Estimate paired_centre(std::span<const double> values, double level) {
  const std::size_t n = values.size();
  if (n == 0) return {NAN, -infinity, infinity, 0, "no pairs"};
  if (n >= fewest_for_ranks) return by_ranks(values, level);
  const double mean = mean_of(values);
  if (n == 1) return {mean, -infinity, infinity, 1, "one pair: its scatter is not known"};
  const double half = student_t_quantile(0.5 + level / 2.0, static_cast<double>(n - 1)) *
                      std::sqrt(variance_of(values, mean) / static_cast<double>(n));
  return {mean, mean - half, mean + half, n, fmt::format("mean, Student t interval, {} pairs", n)};
}

Estimate unpaired_centre(std::span<const double> a, std::span<const double> b, double level) {
  const std::size_t n = a.size() + b.size();
  if (a.empty() || b.empty()) return {NAN, -infinity, infinity, n, "no runs"};
  const double mean_a = mean_of(a), mean_b = mean_of(b), centre = mean_b - mean_a;
  if (a.size() < 2 || b.size() < 2)
    return {centre, -infinity, infinity, n, "one run on a side: its scatter is not known"};
  const double na = static_cast<double>(a.size()), nb = static_cast<double>(b.size());
  const double part_a = variance_of(a, mean_a) / na, part_b = variance_of(b, mean_b) / nb, variance = part_a + part_b;
  const std::string how = fmt::format("means, Welch t interval, {} and {} runs", a.size(), b.size());
  if (variance == 0.0) return {centre, centre, centre, n, how};
  const double degrees = variance * variance / (part_a * part_a / (na - 1.0) + part_b * part_b / (nb - 1.0));
  const double half = student_t_quantile(0.5 + level / 2.0, degrees) * std::sqrt(variance);
  return {centre, centre - half, centre + half, n, how};
}

Estimate widened(const Estimate& e, double u) {
  Estimate wide = e;
  if (u == 0.0) return wide;
  wide.low = e.centre - std::hypot(e.centre - e.low, z95 * u);
  wide.high = e.centre + std::hypot(e.high - e.centre, z95 * u);
  return wide;
}

double probability_below_zero(const Estimate& e) {
  if (e.centre == 0.0 || std::isnan(e.centre)) return 0.5;
  const double towards_zero = e.centre < 0.0 ? e.high - e.centre : e.centre - e.low;
  if (towards_zero == 0.0) return e.centre < 0.0 ? 1.0 : 0.0;
  return normal_cdf(-e.centre * z95 / towards_zero);
}

double half_width(const Estimate& e) { return 0.5 * (e.high - e.low); }

double detectable(const Estimate& e) { return half_width(e) * (z95 + z_power) / z95; }

std::optional<std::uint64_t> values_needed(const Estimate& e, double wanted, double u) {
  const double half = half_width(e), fixed = z95 * u;
  if (!std::isfinite(half)) return std::nullopt;
  if (half <= wanted) return e.n;
  if (wanted <= fixed) return std::nullopt;
  const double from_values = half * half - fixed * fixed, allowed = wanted * wanted - fixed * fixed;
  const double needed = std::ceil(static_cast<double>(e.n) * from_values / allowed);
  return needed < 1e9 ? std::optional(static_cast<std::uint64_t>(needed)) : std::nullopt;
}

}  // namespace haywatt::metrics
