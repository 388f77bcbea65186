/// What sensors a machine has, how good they are, and what would make more of them readable (`haywatt sensors`).
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "haywatt/meter/energy_sensor.hpp"

namespace haywatt::meter {

/// What was seen of a channel that was read as fast as it can be for a while.
struct ChannelProbe {
  double seconds = 0.0;            ///< it was watched for so long
  std::optional<double> power_W;   ///< mean over that time
  std::size_t steps = 0;           ///< readings that differed from the one before
  std::optional<double> step_J;    ///< the smallest of them
  std::optional<double> period_s;  ///< median time from one to the next
};

struct SurveyedChannel {
  SensorChannel channel;
  std::string fault;    ///< why it cannot be trusted; empty: it can be
  std::string instead;  ///< name of the sensor that is read instead, for it shows the same counter
  ChannelProbe probe;   ///< steps stay 0 where joules are carried on between readings: they would be our own
};

struct SurveyedSensor {
  std::string name;
  std::vector<SurveyedChannel> channels;
  std::vector<std::string> remedies;  ///< an administrator's commands
};

/// Something that is no sensor yet.
struct SensorHint {
  std::string what;
  std::vector<std::string> commands;  ///< an administrator's; may be empty
};

/// What the estimate takes this machine for, where no sensor can be read (docs/energy.md): power at the wall.
struct EstimateOutlook {
  std::string tier, basis;
  double idle_W = 0.0, full_W = 0.0;
  double idle_factor = 1.0, full_factor = 1.0;  ///< the truth lies within [P/F, P F] for 95 % of machines
};

struct SensorSurvey {
  double open_s = 0.0;  ///< time it took to open all of them
  std::vector<SurveyedSensor> sensors;
  std::vector<SensorHint> hints;
  EstimateOutlook estimate;
};

/// Watches each sensor for `seconds_each`, in which this thread does nothing else. Never throws for a sensor.
[[nodiscard]] SensorSurvey survey_sensors(const Machine& machine, double seconds_each = 0.5);

/// The watching alone. One place a channel.
[[nodiscard]] std::vector<ChannelProbe> probe_channels(EnergySensor& sensor, double seconds);

}  // namespace haywatt::meter
