/// The power a laptop draws from its battery: /sys/class/power_supply/BAT*
/// (Linux Documentation/ABI/testing/sysfs-class-power).
#pragma once
#include <memory>
#include <string>

#include "haywatt/meter/energy_sensor.hpp"
#include "meter/sensors/counter.hpp"

namespace haywatt::meter {

/// nullptr where there is no battery, or it is not discharging: on mains it shows nothing of what the machine draws.
[[nodiscard]] std::unique_ptr<EnergySensor> open_battery(const std::string& sysroot, const Machine& machine,
                                                         SensorClock clock = seconds_since_boot);

/// Folders of the batteries that feed this machine (not those of a mouse).
[[nodiscard]] std::vector<std::string> battery_folders(const std::string& sysroot);

}  // namespace haywatt::meter
