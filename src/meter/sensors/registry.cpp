#include <array>
#include <cstdlib>

#include "haywatt/meter/energy_sensor.hpp"
#include "meter/sensors/powercap.hpp"

namespace haywatt::meter {

std::vector<std::unique_ptr<EnergySensor>> open_sensors(const Machine& machine) {
  using Opener = std::unique_ptr<EnergySensor> (*)(const std::string&, const Machine&);
  constexpr std::array<Opener, 1> openers = {open_powercap};
  const char* root = std::getenv("HAYWATT_SYSROOT");
  const std::string sysroot = root == nullptr ? "" : root;
  std::vector<std::unique_ptr<EnergySensor>> sensors;
  for (const Opener open : openers)
    if (auto sensor = open(sysroot, machine)) sensors.push_back(std::move(sensor));
  return sensors;
}

}  // namespace haywatt::meter
