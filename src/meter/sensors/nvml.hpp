/// NVIDIA GPUs, all of them summed: boundary "board".
#pragma once
#include <memory>
#include <string>

#include "haywatt/meter/energy_sensor.hpp"
#include "meter/sensors/counter.hpp"

namespace haywatt::meter {

struct NvmlOptions {
  std::string library = "libnvidia-ml.so.1";
  SensorClock clock = seconds_since_boot;
  /// Whether process numbers here are those of the driver, which are the host's: not so in most containers.
  bool host_pids = false;
};

/// nullptr where there is no library, no driver or no GPU.
[[nodiscard]] std::unique_ptr<EnergySensor> open_nvml(const Machine& machine, const NvmlOptions& options);

/// Whether this process is in the machine's first process namespace.
[[nodiscard]] bool in_first_pid_namespace();

}  // namespace haywatt::meter
