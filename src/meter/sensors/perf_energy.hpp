/// RAPL through perf: the PMU "power" with its events energy-pkg, energy-ram, energy-psys (Linux
/// arch/x86/events/rapl.c).
#pragma once
#include <memory>
#include <string>

#include "haywatt/meter/energy_sensor.hpp"
#include "meter/sensors/perf_interface.hpp"

namespace haywatt::meter {

/// nullptr where there is no such PMU. `perf` must outlive the sensor.
[[nodiscard]] std::unique_ptr<EnergySensor> open_perf_energy(const std::string& sysroot, const Machine& machine,
                                                             PerfInterface& perf);

}  // namespace haywatt::meter
