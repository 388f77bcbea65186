/// What a source of energy readings must do: docs/adding-an-energy-sensor.md.
#pragma once
#include <sys/types.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "haywatt/record/machine.hpp"

namespace haywatt::meter {

/// One counter as a user sees it: everything the sensor knows within one boundary, all sockets summed.
struct SensorChannel {
  std::string boundary;           ///< "package", "dram", "psys", "board", "node", "wall"
  double gain_u_rel = 0.0;        ///< standard uncertainty of the gain, systematic for this machine
  double update_period_s = 0.0;   ///< the counter moves about this often
  double resolution_J = 0.0;      ///< its step
  double window_share = 1.0;      ///< of each period the sensor looks at this share only (an A100: 0.25); then also:
  double window_s = 0.0;          ///< length of that window
  double limit_W = 0.0;           ///< it cannot draw more (a GPU's power limit); 0: unknown
  bool integrated_power = false;  ///< joules are power samples integrated here, not a counter of the hardware
  bool carried_on = false;        ///< between readings of the hardware the joules go on with the last power
  std::string source;             ///< what is read, as a person would look it up: a path, an event, a field's name
  /// Where several sensors can show one counter of the hardware ("rapl" through powercap, perf and hwmon): its name.
  /// Channels with the same name and boundary are one quantity; open_sensors() keeps one of them.
  std::string counter;
};

/// Cumulative energy counters of this machine. Not thread-safe: the meter reads from one thread at a time.
class EnergySensor {
 public:
  virtual ~EnergySensor() = default;
  /// "rapl-powercap", … (docs/records.md)
  [[nodiscard]] virtual std::string name() const = 0;
  [[nodiscard]] virtual const std::vector<SensorChannel>& channels() const = 0;
  /// Joules since the first read of each channel (so the first gives 0), wraps resolved; NaN where it cannot be read.
  /// `joules` has one place a channel. Cheap: called at phase borders.
  virtual void read(std::span<double> joules) noexcept = 0;
  /// Why the readings so far of a channel are not to be trusted ("no permission …", "did not move"); empty if they are.
  [[nodiscard]] virtual std::string fault(std::size_t channel) const = 0;
  /// False where the channel could not be opened; its fault says why. Reads nothing.
  [[nodiscard]] virtual bool readable(std::size_t channel) const {
    (void)channel;
    return true;
  }
  /// Commands by which an administrator makes it readable; empty where nothing is amiss or nothing can be done.
  [[nodiscard]] virtual std::vector<std::string> remedies() const { return {}; }
  /// The part of the channel's activity since the last call that belongs to these processes, 0..1. Nothing where the
  /// channel cannot tell, as no CPU sensor can: then CPU time decides. For GPUs.
  [[nodiscard]] virtual std::optional<double> share_of(std::size_t channel, std::span<const pid_t> processes) noexcept {
    (void)channel;
    (void)processes;
    return std::nullopt;
  }
};

using EnergySensors = std::vector<std::unique_ptr<EnergySensor>>;

/// Every sensor that exists here, those that cannot be read included (their fault says why), each counter of the
/// hardware once. Sensor files are looked for under the environment variable HAYWATT_SYSROOT; where that is set,
/// sensors that are no files (perf, NVML) are left out. Never throws for a sensor that is missing.
[[nodiscard]] EnergySensors open_sensors(const Machine& machine);
/// The same with every way to the same counter: for a list of what is here.
[[nodiscard]] EnergySensors open_all_sensors(const Machine& machine);

/// A channel of `sensors` that open_sensors() leaves out, because `instead` shows the same counter.
struct Duplicate {
  std::size_t sensor = 0, channel = 0;
  std::string instead;  ///< name of the sensor that is read
};
/// One that can be read is preferred, and among those the first. Reads nothing.
[[nodiscard]] std::vector<Duplicate> duplicates(const EnergySensors& sensors);

}  // namespace haywatt::meter
