#include "haywatt/metrics/constants.hpp"

#include <cmath>
#include <utility>

namespace haywatt::metrics {

Figure Constant::figure(double factor, std::string unit_of_result) const {
  if (!(high > low) || low <= 0.0) return Figure::exact(value * factor, std::move(unit_of_result));
  Component c;
  c.name = key;
  c.type = 'B';
  c.u_rel = std::log(high / low) / (2.0 * 1.96);
  c.correlation = {kind, key};
  return Figure::from_components(value * factor, std::move(unit_of_result), {std::move(c)});
}

const Constant& storage_power() {
  static const Constant c{"storage_hdd_wh_per_tb_hour",
                          0.65,
                          0.3,
                          1.3,
                          "Wh/(TB h)",
                          "Cloud Carbon Footprint, Methodology.md: 6.5 W per 10 TB disk (2020), drive only; low: 20 TB "
                          "drives at the same watts (estimate); high: x2 for controllers and redundancy (estimate)"};
  return c;
}

const Constant& storage_replicas() {
  static const Constant c{
      "storage_replicas", 2, 1, 3, "copies", "assumption: copies kept by a site; the user should say"};
  return c;
}

const Constant& power_usage_effectiveness() {
  static const Constant c{
      "pue_unknown",       1.56, 1.09, 2.0, "1", "Green Algorithms, defaults_PUE.csv (Uptime Institute survey 2024)",
      CorrelationKind::Pue};
  return c;
}

const Constant& network_energy() {
  static const Constant c{"network_kwh_per_gb",
                          0.001,
                          0.0001,
                          0.01,
                          "kWh/GB",
                          "Cloud Carbon Footprint, Methodology.md, between data centres; studies differ by orders of "
                          "magnitude"};
  return c;
}

const Constant& storage_embodied() {
  static const Constant c{"embodied_hdd_kg_per_tb_year",
                          0.40,
                          0.2,
                          2.5,
                          "kgCO2e/(TB year)",
                          "DigitalPebble/spruce PR 275: 30 kg per drive, 15 TB, 5 years; high: Seagate Exos X18 life "
                          "cycle including use, second hand"};
  return c;
}

const Constant& grid_intensity() {
  static const Constant c{"grid_world_average_iea_2019",
                          475,
                          475 / 1.5,
                          475 * 1.5,
                          "gCO2e/kWh",
                          "IEA 2019 world average, via CodeCarbon carbon_intensity_per_source.json; the interval is a "
                          "guessed factor of 1.5",
                          CorrelationKind::Grid};
  return c;
}

std::vector<Constant> all_constants() {
  return {storage_power(),  storage_replicas(), power_usage_effectiveness(),
          network_energy(), storage_embodied(), grid_intensity()};
}

}  // namespace haywatt::metrics
