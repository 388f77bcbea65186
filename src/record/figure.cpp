#include "haywatt/record/figure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "record/draws.hpp"
#include "record/joint.hpp"

namespace haywatt {
namespace {

constexpr std::uint64_t bootstrap_seed = 0x6861797761747401;

double median(std::vector<double>& values) {
  std::sort(values.begin(), values.end());
  return record::quantile(values, 0.5);
}

void set_bounds(Figure& f, double one_end, double other_end) {
  f.low = std::min(one_end, other_end);
  f.high = std::max(one_end, other_end);
}

}  // namespace

Figure Figure::exact(double value, std::string unit) {
  Figure f;
  f.value = f.low = f.high = value;
  f.unit = std::move(unit);
  f.interval = "exact";
  return f;
}

Figure Figure::from_components(double value, std::string unit, std::vector<Component> components) {
  Figure f = exact(value, std::move(unit));
  f.components = std::move(components);
  double relative = 0.0, absolute = 0.0;
  for (const Component& c : f.components) {
    relative += c.u_rel * c.u_rel;
    absolute += c.u_abs * c.u_abs;
  }
  if (relative > 0.0 && absolute > 0.0) {
    const record::Bounds b = record::draw_one(f);
    set_bounds(f, b.low, b.high);
    f.interval = fmt::format("components, Monte Carlo of {} draws", record::draw_count);
  } else if (relative > 0.0) {
    const double factor = std::exp(record::z95 * std::sqrt(relative));
    set_bounds(f, value / factor, value * factor);
    f.interval = "components, log-normal";
  } else if (absolute > 0.0) {
    const double half = record::z95 * std::sqrt(absolute);
    set_bounds(f, value - half, value + half);
    f.interval = "components, normal";
  }
  return f;
}

Figure Figure::from_repeats(const std::vector<double>& values, std::string unit, const std::string& run_id) {
  std::vector<double> finite;
  std::copy_if(values.begin(), values.end(), std::back_inserter(finite), [](double v) { return std::isfinite(v); });
  if (finite.empty()) {
    Figure none = exact(std::numeric_limits<double>::quiet_NaN(), std::move(unit));
    none.interval = "no repeats";
    return none;
  }
  Figure f = exact(median(finite), std::move(unit));
  const std::size_t n = finite.size();
  if (n < 3) {
    const double least = finite.front(), most = finite.back();
    f.low = least > 0.0 ? least / 2.0 : least * 2.0;
    f.high = most > 0.0 ? most * 2.0 : most / 2.0;
    f.interval = fmt::format("{} repeat{}: range widened by a factor 2", n, n == 1 ? "" : "s");
  } else {
    record::Draws draws(bootstrap_seed);
    std::vector<double> medians(record::draw_count), resample(n);
    for (double& m : medians) {
      for (double& r : resample) r = finite[draws.below(n)];
      m = median(resample);
    }
    std::sort(medians.begin(), medians.end());
    f.low = record::quantile(medians, 0.025);
    f.high = record::quantile(medians, 0.975);
    f.interval = fmt::format("bootstrap of {} repeats, median", n);
  }
  Component repeats{"repeats", 'A', 0.0, (f.high - f.low) / (2.0 * record::z95), {CorrelationKind::Run, run_id}};
  f.components.push_back(std::move(repeats));
  return f;
}

}  // namespace haywatt
