#include "record/joint.hpp"

#include <algorithm>
#include <cmath>

#include "record/draws.hpp"

namespace haywatt::record {
namespace {

constexpr std::uint64_t monte_carlo_seed = 0x6861797761747402;

/// Quadratic sum that keeps the sign of the larger part, so that one component alone keeps its own.
double quadratic_sum(double x, double y) {
  return std::copysign(std::hypot(x, y), std::fabs(x) >= std::fabs(y) ? x : y);
}

SharedQuantity& quantity_of(std::vector<SharedQuantity>& quantities, const Component& c) {
  if (!c.correlation.id.empty())
    for (SharedQuantity& q : quantities)
      if (q.origin.correlation == c.correlation) return q;
  quantities.emplace_back().origin = c;
  return quantities.back();
}

/// As quantile(), of values in any order.
double quantile_of(std::vector<double>& values, double p) {
  const double at = p * static_cast<double>(values.size() - 1);
  const auto i = static_cast<std::ptrdiff_t>(at);
  std::nth_element(values.begin(), values.begin() + i, values.end());
  const double low = values[static_cast<std::size_t>(i)];
  if (i + 1 == static_cast<std::ptrdiff_t>(values.size())) return low;
  const double high = *std::min_element(values.begin() + i + 1, values.end());
  return low + (at - static_cast<double>(i)) * (high - low);
}

}  // namespace

std::vector<SharedQuantity> shared_quantities(const Figure& a, const Figure& b) {
  std::vector<SharedQuantity> quantities;
  for (const Component& c : a.components) {
    SharedQuantity& q = quantity_of(quantities, c);
    q.a_rel = quadratic_sum(q.a_rel, c.u_rel);
    q.a_abs = quadratic_sum(q.a_abs, c.u_abs);
  }
  for (const Component& c : b.components) {
    SharedQuantity& q = quantity_of(quantities, c);
    q.b_rel = quadratic_sum(q.b_rel, c.u_rel);
    q.b_abs = quadratic_sum(q.b_abs, c.u_abs);
  }
  return quantities;
}

Bounds draw_sum(const Figure& a, const Figure& b, double sign, const std::vector<SharedQuantity>& quantities) {
  Draws draws(monte_carlo_seed);
  std::vector<double> sums(draw_count);
  for (double& s : sums) {
    double a_log = 0.0, a_shift = 0.0, b_log = 0.0, b_shift = 0.0;
    for (const SharedQuantity& q : quantities) {
      const double z = draws.normal();
      a_log += q.a_rel * z;
      a_shift += q.a_abs * z;
      b_log += q.b_rel * z;
      b_shift += q.b_abs * z;
    }
    s = a.value * std::exp(a_log) + a_shift + sign * (b.value * std::exp(b_log) + b_shift);
  }
  if (std::any_of(sums.begin(), sums.end(), [](double s) { return std::isnan(s); })) return {NAN, NAN};
  std::sort(sums.begin(), sums.end());
  return {quantile(sums, 0.025), quantile(sums, 0.975)};
}

Bounds draw_one(const Figure& f) {
  // Independent normal quantities add up to one: two draws do for any number of components.
  double relative = 0.0, absolute = 0.0;
  for (const Component& c : f.components) {
    relative += c.u_rel * c.u_rel;
    absolute += c.u_abs * c.u_abs;
  }
  relative = std::sqrt(relative);
  absolute = std::sqrt(absolute);
  static const std::vector<double> normals = [] {
    Draws draws(monte_carlo_seed);
    std::vector<double> z(2 * static_cast<std::size_t>(draw_count));
    for (double& each : z) each = draws.normal();
    return z;
  }();
  std::vector<double> values(draw_count);
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = f.value * std::exp(relative * normals[2 * i]) + absolute * normals[2 * i + 1];
  if (std::any_of(values.begin(), values.end(), [](double v) { return std::isnan(v); })) return {NAN, NAN};
  return {quantile_of(values, 0.025), quantile_of(values, 0.975)};
}

}  // namespace haywatt::record
