/// Power and energy from /sys/class/hwmon: ACPI power meters (NVIDIA Grace among them), amd_energy, amdgpu.
/// (Linux Documentation/hwmon/{acpi_power_meter,amd_energy,sysfs-interface}.rst, Documentation/gpu/amdgpu/thermal.rst)
#pragma once
#include <memory>
#include <string>

#include "haywatt/meter/energy_sensor.hpp"
#include "meter/sensors/counter.hpp"

namespace haywatt::meter {

/// nullptr where hwmon has nothing of energy that it understands. `sysroot` is put before the path.
[[nodiscard]] std::unique_ptr<EnergySensor> open_hwmon(const std::string& sysroot, const Machine& machine,
                                                       SensorClock clock = seconds_since_boot);

}  // namespace haywatt::meter
