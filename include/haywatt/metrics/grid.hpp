/// How much CO2e a country's electricity stands for: share/energy/grid_intensity.csv, compiled in.
///
/// Source: Our World in Data from Ember's Yearly Electricity Data (CC BY 4.0), via CodeCarbon 3.3.2; yearly means of
/// what is generated in the country, location based as ISO/IEC 21031:2024 asks.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "haywatt/metrics/constants.hpp"

namespace haywatt::metrics {

/// A grid to reckon with. `iso3` and `name` are empty where it is not one country's.
struct Grid {
  std::string iso3, name;
  Constant intensity;  ///< gCO2e/kWh; key "grid_FRA_2023", kind Grid
};

/// A country by its ISO 3166-1 alpha-3 code or its English name, in any case. The interval is the guessed factor of 1.5
/// of grid_intensity(): hours differ from the mean of the year. Pure, thread-safe.
[[nodiscard]] std::optional<Grid> country_grid(std::string_view code_or_name);

/// `value_g_per_kWh` as the user gave it, taken as exact.
[[nodiscard]] Grid given_grid(double value_g_per_kWh);

/// The world average of grid_intensity(), for those who did not say where they are.
[[nodiscard]] Grid world_grid();

/// A PUE as the user gave it, taken as exact.
[[nodiscard]] Constant given_pue(double value);

}  // namespace haywatt::metrics
