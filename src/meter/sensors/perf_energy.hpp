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

/// The CPUs of a list like "0,18" or "0-3,8". At most `most`; nothing if it is no such list.
[[nodiscard]] std::vector<int> cpu_list(const std::string& text, std::size_t most = 4096);

}  // namespace haywatt::meter
