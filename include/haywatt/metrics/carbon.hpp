/// Grams of CO2e from joules: the operational term of the Software Carbon Intensity specification.
///
/// Source: ISO/IEC 21031:2024, Green-Software-Foundation/sci SPEC.md 1.1: SCI = (E*I + M) per R. Here R is a gigabyte
/// of raw data (1e9 B) and only E*I is computed; the embodied part M of the computer is left out and must be said to
/// be.
#pragma once
#include "haywatt/metrics/constants.hpp"

namespace haywatt::metrics {

/// E*I: `joules_per_GB` (attributed, unit "J/GB") times PUE times grid intensity; unit "gCO2e/GB".
[[nodiscard]] Figure operational_carbon(const Figure& joules_per_GB, const Constant& pue = power_usage_effectiveness(),
                                        const Constant& grid = grid_intensity());

/// Likewise of a whole run: `joules` (attributed, unit "J") to "gCO2e".
[[nodiscard]] Figure operational_carbon_of_run(const Figure& joules, const Constant& pue, const Constant& grid);

/// a*b: relative components add in quadrature, except that what both share (same correlation kind and id) enters twice
/// and adds linearly (GUM 5.2.2, first order in the logarithms). `unit` is the result's.
[[nodiscard]] Figure product(const Figure& a, const Figure& b, std::string unit);

}  // namespace haywatt::metrics
