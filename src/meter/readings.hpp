/// The readings of a run: clocks, the machine's busy time and every energy counter, kept in memory that grows only with
/// the logarithm of the run's length.
#pragma once
#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "haywatt/meter/energy_sensor.hpp"
#include "meter/attribution.hpp"
#include "meter/process_files.hpp"

namespace haywatt::meter {

/// Thread-safe.
class Readings {
 public:
  explicit Readings(const Machine& machine);

  /// A reading at `at`, the machine's busy time included. Waits for another thread's reading.
  void read_slowly(const SpanBorder& at);
  /// A reading, if there are sensors, none was made in the last 5 ms and no other thread is making one. After 20,000
  /// readings the distance doubles, and again after as many more.
  void read_at_border(const SpanBorder& at) noexcept;

  /// Readings made since the last call, as cuts.
  [[nodiscard]] std::vector<Cut> new_cuts();
  /// All of them. After the last reading.
  [[nodiscard]] const std::vector<Reading>& all() const { return readings_; }
  [[nodiscard]] std::size_t sensors() const { return sensors_.size(); }
  [[nodiscard]] const EnergySensor& sensor(std::size_t i) const { return *sensors_[i].sensor; }
  [[nodiscard]] const std::vector<double>& joules(std::size_t sensor, std::size_t channel) const {
    return sensors_[sensor].joules[channel];
  }

 private:
  struct Kept {
    std::unique_ptr<EnergySensor> sensor;
    std::vector<double> now;                  ///< by channel
    std::vector<std::vector<double>> joules;  ///< by channel, by reading
  };
  void read(const SpanBorder& at, bool slow);
  std::mutex mutex_;
  std::vector<Kept> sensors_;
  std::vector<Reading> readings_;
  std::size_t taken_ = 0;
  std::int64_t distance_ns_;
  std::atomic<std::int64_t> next_ns_{0};
  ProcFile stat_{"/proc/stat"};
  long ticks_per_s_;
};

}  // namespace haywatt::meter
