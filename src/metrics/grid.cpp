#include "haywatt/metrics/grid.hpp"

#include <algorithm>
#include <cctype>

#include "haywatt/base/text.hpp"
#include "haywatt_grid_table.hpp"

namespace haywatt::metrics {
namespace {

bool same_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

}  // namespace

std::optional<Grid> country_grid(std::string_view code_or_name) {
  constexpr double hourly_spread = 1.5;
  for (const std::string& line : split(grid_table_csv, '\n')) {
    const auto cells = split(line, ',');
    if (cells.size() != 4) continue;
    if (!same_ignoring_case(cells[0], code_or_name) && !same_ignoring_case(cells[1], code_or_name)) continue;
    const auto value = parse_double(cells[2]);
    if (!value) return std::nullopt;  // the heading
    return Grid{
        cells[0],
        cells[1],
        {"grid_" + cells[0] + "_" + cells[3], *value, *value / hourly_spread, *value * hourly_spread, "gCO2e/kWh",
         cells[1] + ", " + cells[3] +
             ", Our World in Data from Ember's Yearly Electricity Data, via CodeCarbon 3.3.2; the interval is "
             "a guessed factor of 1.5",
         CorrelationKind::Grid}};
  }
  return std::nullopt;
}

Grid given_grid(double value_g_per_kWh) {
  return {"",
          "",
          {"grid_given", value_g_per_kWh, value_g_per_kWh, value_g_per_kWh, "gCO2e/kWh",
           "as given on the command line, taken as exact", CorrelationKind::Grid}};
}

Grid world_grid() { return {"", "", grid_intensity()}; }

Constant given_pue(double value) {
  return {"pue_given", value, value, value, "1", "as given on the command line, taken as exact", CorrelationKind::Pue};
}

}  // namespace haywatt::metrics
