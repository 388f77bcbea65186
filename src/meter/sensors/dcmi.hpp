/// Power of the whole machine as its BMC knows it: DCMI "Get Power Reading" (DCMI 1.5, §6.6.1).
#pragma once
#include <memory>
#include <string>

#include "haywatt/meter/energy_sensor.hpp"
#include "meter/sensors/counter.hpp"
#include "meter/sensors/ipmi_interface.hpp"

namespace haywatt::meter {

/// nullptr where there is no IPMI device, or its BMC knows no DCMI. `sysroot` is put before /dev/ipmi0.
[[nodiscard]] std::unique_ptr<EnergySensor> open_dcmi(const std::string& sysroot, const Machine& machine);

/// The same on an interface that is open, or, if it is nullptr, could not be opened for `error`.
[[nodiscard]] std::unique_ptr<EnergySensor> open_dcmi(std::unique_ptr<IpmiInterface> ipmi, int error,
                                                      SensorClock clock = seconds_since_boot);

}  // namespace haywatt::meter
