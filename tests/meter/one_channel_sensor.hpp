/// A sensor of one channel whose readings a test makes up itself.
#pragma once
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "haywatt/meter/energy_sensor.hpp"
#include "haywatt/record/record.hpp"

namespace haywatt::meter::test {

class OneChannelSensor final : public EnergySensor {
 public:
  OneChannelSensor(std::string name, SensorChannel channel) : name_(std::move(name)), channels_{std::move(channel)} {}
  [[nodiscard]] std::string name() const override { return name_; }
  [[nodiscard]] const std::vector<SensorChannel>& channels() const override { return channels_; }
  void read(std::span<double> /*joules*/) noexcept override {}
  [[nodiscard]] std::string fault(std::size_t /*channel*/) const override { return {}; }

 private:
  std::string name_;
  std::vector<SensorChannel> channels_;
};

/// The package counter of a usual Intel machine.
inline OneChannelSensor package_counter() {
  SensorChannel c;
  c.boundary = "package";
  c.gain_u_rel = 0.05;
  c.update_period_s = 1e-3;
  c.resolution_J = 61e-6;
  return {"rapl-powercap", c};
}

/// The figure of a sensor (not of the estimate), by share and rule.
inline const EnergyFigure& figure_of(const std::vector<EnergyFigure>& figures, const std::string& share,
                                     const std::string& rule) {
  for (const EnergyFigure& e : figures)
    if (e.sensor != "estimate" && e.share == share && e.rule == rule) return e;
  throw std::runtime_error("no figure of share " + share + " by rule " + rule);
}

}  // namespace haywatt::meter::test
