/// RAPL through the kernel's powercap files: /sys/class/powercap/intel-rapl:*, also on AMD
/// (Linux Documentation/power/powercap/powercap.rst).
#pragma once
#include <memory>
#include <string>

#include "haywatt/meter/energy_sensor.hpp"
#include "meter/sensors/counter.hpp"

namespace haywatt::meter {

/// nullptr where there are no such files. `sysroot` is put before the path.
[[nodiscard]] std::unique_ptr<EnergySensor> open_powercap(const std::string& sysroot, const Machine& machine,
                                                          SensorClock clock = seconds_since_boot);

/// Gain of RAPL's counters whichever way they are read: standard uncertainties, declared guesses (docs/sensors.md).
[[nodiscard]] double rapl_gain(const std::string& boundary, const Machine& machine);

}  // namespace haywatt::meter
