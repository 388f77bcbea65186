/// The readings of a run: clocks, the machine's busy time and every energy counter, kept in memory that grows only with
/// the logarithm of the run's length.
#pragma once
#include <sys/types.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "haywatt/meter/energy_sensor.hpp"
#include "meter/idle_power.hpp"
#include "meter/process_files.hpp"

namespace haywatt::meter {

/// What the power of a channel that integrates power looked like between samples of the sampler.
struct PowerSpread {
  std::size_t samples = 0;
  double last_W = 0.0, most_W = 0.0;
  double squares_W2 = 0.0;  ///< of the differences of neighbours
  void add(double watts);
  /// From differences of neighbours (von Neumann 1941), so that a slow change of power does not count as noise.
  [[nodiscard]] double sigma_W() const;
};

/// Thread-safe.
class Readings {
 public:
  explicit Readings(const Machine& machine);

  /// Watches the machine before the run: call it when the watch begins, about once a second, and when it ends; then
  /// read_slowly begins the run. What it saw is the idle power of the run (measured_idle). The caller does the waiting.
  void watch_idle(std::int64_t wall_ns);
  /// A reading at `at`, the machine's busy time included. Waits for another thread's reading. The first begins the run,
  /// the last ends it, in between about one a second. `processes`: those alive of the program that is metered, for
  /// sensors that can tell whose activity it was.
  void read_slowly(const SpanBorder& at, std::span<const pid_t> processes);
  /// The same for this process.
  void read_slowly(const SpanBorder& at);
  /// Call it with every sample of the sampler: sensors that integrate power here want to see it often. Nothing is kept
  /// of it. Does nothing if another thread is making a reading.
  void tick() noexcept;
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
  /// Where the channel told whose activity it was: our share in the slow interval that ends at a reading, NaN at
  /// others. Empty where it never told.
  [[nodiscard]] const std::vector<double>& told_shares(std::size_t sensor, std::size_t channel) const {
    return sensors_[sensor].shares[channel];
  }
  [[nodiscard]] const PowerSpread& spread(std::size_t sensor, std::size_t channel) const {
    return sensors_[sensor].spread[channel];
  }
  /// Empty if nobody watched.
  [[nodiscard]] const std::vector<IdleSecond>& idle_seconds(std::size_t sensor, std::size_t channel) const {
    return sensors_[sensor].idle[channel];
  }

 private:
  struct Kept {
    std::unique_ptr<EnergySensor> sensor;
    std::vector<double> now;                  ///< by channel
    std::vector<std::vector<double>> joules;  ///< by channel, by reading
    std::vector<std::vector<double>> shares;
    std::vector<std::vector<IdleSecond>> idle;
    std::vector<double> watched;  ///< by channel, at the last call of watch_idle
    std::vector<PowerSpread> spread;
    std::vector<double> ticked;  ///< by channel, at the last tick
    bool integrates = false;
  };
  void read(const SpanBorder& at, bool slow);
  void ask_for_shares(std::span<const pid_t> processes);
  std::mutex mutex_;
  std::vector<Kept> sensors_;
  std::vector<Reading> readings_;
  std::size_t taken_ = 0;
  std::int64_t distance_ns_;
  std::atomic<std::int64_t> next_ns_{0};
  std::int64_t watched_ns_ = 0;
  double watched_busy_s_ = 0.0;
  std::int64_t ticked_ns_ = 0;
  bool any_integrates_ = false;  ///< never changes once made
  ProcFile stat_{"/proc/stat"};
  long ticks_per_s_;
};

}  // namespace haywatt::meter
