#include "haywatt/metrics/carbon.hpp"

#include <algorithm>
#include <utility>

namespace haywatt::metrics {
namespace {

/// The component as an uncertainty of ln(value), with its sign.
Component relative(Component c, double value) {
  if (value != 0.0) c.u_rel += c.u_abs / value;
  c.u_abs = 0.0;
  return c;
}

}  // namespace

Figure product(const Figure& a, const Figure& b, std::string unit) {
  std::vector<Component> components;
  for (const Component& c : a.components) components.push_back(relative(c, a.value));
  const std::size_t own = components.size();
  for (const Component& original : b.components) {
    Component c = relative(original, b.value);
    const auto end = components.begin() + static_cast<std::ptrdiff_t>(own);
    const auto same = std::find_if(components.begin(), end, [&](const Component& o) {
      return !c.correlation.id.empty() && o.correlation == c.correlation;
    });
    if (same != end) {
      same->u_rel += c.u_rel;
    } else {
      components.push_back(std::move(c));
    }
  }
  return Figure::from_components(a.value * b.value, std::move(unit), std::move(components));
}

Figure operational_carbon(const Figure& joules_per_GB, const Constant& pue, const Constant& grid) {
  const Figure at_the_meter = product(joules_per_GB, pue.figure(1.0, "1"), "J/GB");
  return product(at_the_meter, grid.figure(1.0 / joules_per_kWh, "gCO2e/J"), "gCO2e/GB");
}

Figure operational_carbon_of_run(const Figure& joules, const Constant& pue, const Constant& grid) {
  const Figure at_the_meter = product(joules, pue.figure(1.0, "1"), "J");
  return product(at_the_meter, grid.figure(1.0 / joules_per_kWh, "gCO2e/J"), "gCO2e");
}

}  // namespace haywatt::metrics
