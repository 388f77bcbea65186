#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "haywatt/base/error.hpp"
#include "haywatt/record/figure.hpp"
#include "record/draws.hpp"
#include "record/joint.hpp"

namespace haywatt {
namespace {

using record::SharedQuantity;

std::string ratio_unit(const Figure& a, const Figure& b) {
  if (a.unit == b.unit) return "1";
  return b.unit == "1" ? a.unit : a.unit + "/" + b.unit;
}

/// What is left of x after what should cancel did: rounding leaves no component behind.
double left_over(double x, double scale) { return std::fabs(x) <= 1e-12 * scale ? 0.0 : x; }

void keep(std::vector<Component>& components, const Component& origin, double u_rel, double u_abs) {
  if (u_rel == 0.0 && u_abs == 0.0) return;
  components.push_back({origin.name, origin.type, u_rel, u_abs, origin.correlation});
}

Figure joint_sum(const Figure& a, const Figure& b, double sign) {
  if (a.unit != b.unit)
    fail_usage(
        fmt::format("figures in \"{}\" and \"{}\" cannot be added or subtracted: convert one first", a.unit, b.unit));
  const auto quantities = record::shared_quantities(a, b);
  const double value = a.value + sign * b.value;
  const bool common_factors = std::all_of(quantities.begin(), quantities.end(), [](const SharedQuantity& q) {
    return q.a_abs == 0.0 && q.b_abs == 0.0 && q.a_rel == q.b_rel;
  });
  const bool only_shifts = std::all_of(quantities.begin(), quantities.end(),
                                       [](const SharedQuantity& q) { return q.a_rel == 0.0 && q.b_rel == 0.0; });
  // A relative component of a difference that nearly vanishes would be huge; in the unit it stays what it is.
  const bool relative_stays = a.value * sign * b.value >= 0.0 && value != 0.0;
  std::vector<Component> components;
  for (const SharedQuantity& q : quantities) {
    const double from_a = a.value * q.a_rel, from_b = sign * b.value * q.b_rel;
    const double shift = left_over(q.a_abs + sign * q.b_abs, std::fabs(q.a_abs) + std::fabs(q.b_abs));
    const double factor = left_over(from_a + from_b, std::fabs(from_a) + std::fabs(from_b));
    if (common_factors)
      keep(components, q.origin, q.a_rel, 0.0);
    else if (relative_stays && shift == 0.0)
      keep(components, q.origin, factor / value, 0.0);
    else
      keep(components, q.origin, 0.0, left_over(factor + shift, std::fabs(factor) + std::fabs(shift)));
  }
  Figure f = Figure::from_components(value, a.unit, std::move(components));
  if (!common_factors && !only_shifts) {
    const record::Bounds bounds = record::draw_sum(a, b, sign, quantities);
    f.low = bounds.low;
    f.high = bounds.high;
    f.interval = fmt::format("joint, Monte Carlo of {} draws", record::draw_count);
  }
  return f;
}

}  // namespace

Figure ratio(const Figure& a, const Figure& b) {
  if (!(b.value > 0.0)) {
    Figure undefined = Figure::exact(std::numeric_limits<double>::quiet_NaN(), ratio_unit(a, b));
    undefined.low = 0.0;
    undefined.high = std::numeric_limits<double>::infinity();
    undefined.interval = "undefined: the divisor is not positive";
    return undefined;
  }
  std::vector<Component> components;
  for (const SharedQuantity& q : record::shared_quantities(a, b)) {
    const double of_b = q.b_rel + q.b_abs / b.value;  // d ln b / dz
    if (a.value == 0.0) {
      keep(components, q.origin, 0.0, q.a_abs / b.value);  // there is no logarithm; of b nothing is left to first order
      continue;
    }
    const double of_a = q.a_rel + q.a_abs / a.value;
    keep(components, q.origin, left_over(of_a - of_b, std::fabs(of_a) + std::fabs(of_b)), 0.0);
  }
  Figure f = Figure::from_components(a.value / b.value, ratio_unit(a, b), std::move(components));
  if (f.interval != "exact") f.interval = a.value == 0.0 ? "joint, normal" : "joint, log-normal";
  return f;
}

Figure difference(const Figure& a, const Figure& b) { return joint_sum(a, b, -1.0); }
Figure sum(const Figure& a, const Figure& b) { return joint_sum(a, b, 1.0); }

Figure scaled(const Figure& a, double k, std::string unit) {
  Figure f = a;
  f.unit = std::move(unit);
  f.value = k * a.value;
  f.low = std::min(k * a.low, k * a.high);
  f.high = std::max(k * a.low, k * a.high);
  for (Component& c : f.components) c.u_abs *= k;
  return f;
}

}  // namespace haywatt
