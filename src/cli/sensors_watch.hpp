/// `haywatt sensors --watch`: what every sensor shows now, until Ctrl-C.
#pragma once
#include <string>
#include <vector>

#include "haywatt/meter/energy_sensor.hpp"

namespace haywatt::cli {

/// A channel as it is watched. Plain data, so that tests need no clock and no sensor.
struct WatchedChannel {
  std::string sensor, boundary;
  std::string fault;             ///< why nothing is known; empty: it is
  double joules = 0.0;           ///< since the start
  double power_W = 0.0;          ///< over the last tick
  double mean_W = 0.0;           ///< since the start
  double most_W = 0.0;           ///< of all ticks
  bool moved = false;            ///< ever
  bool moved_this_tick = false;  ///< a counter slower than the ticks stands still in some
};

/// Takes a reading: `joules` since the first read, `tick_s` and `total_s` of the time passed.
void advance(WatchedChannel& channel, double joules, const std::string& fault, double tick_s, double total_s);

/// One line for a pipe, one table for a terminal, one JSON object for programs (docs/cli-json.md). Each ends its lines.
[[nodiscard]] std::string watch_line(const std::vector<WatchedChannel>& channels, const std::string& time);
[[nodiscard]] std::string watch_table(const std::vector<WatchedChannel>& channels, double total_s);
[[nodiscard]] std::string watch_json(const std::vector<WatchedChannel>& channels, const std::string& time,
                                     double total_s);

/// Reads every `interval_ms` and prints on standard output until SIGINT or SIGTERM. Returns the exit code, 0.
/// Error(Unavailable) if no sensor can be read.
int watch_sensors(const Machine& machine, int interval_ms, bool json);

}  // namespace haywatt::cli
