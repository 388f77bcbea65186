/// Counters of a whole node of a Cray XC or EX: /sys/cray/pm_counters.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "haywatt/meter/energy_sensor.hpp"
#include "meter/sensors/counter.hpp"

namespace haywatt::meter {

/// nullptr where there are none. `sysroot` is put before the path.
[[nodiscard]] std::unique_ptr<EnergySensor> open_cray_pm(const std::string& sysroot, const Machine& machine,
                                                         SensorClock clock = seconds_since_boot);

/// Calls `read` until `freshness` gives the same before and after it, five times at most: what was read while the
/// counters were renewed is of two moments. Whether it came to that.
bool read_of_one_moment(const std::function<std::optional<std::uint64_t>()>& freshness,
                        const std::function<void()>& read);

}  // namespace haywatt::meter
