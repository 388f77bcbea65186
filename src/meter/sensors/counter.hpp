/// What becomes of raw readings: counters followed across their wraps, power added up to energy.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace haywatt::meter {

/// Seconds of a clock that goes on while the machine sleeps. Tests put their own in place.
using SensorClock = std::function<double()>;
[[nodiscard]] double seconds_since_boot() noexcept;

/// Follows a counter that starts again at 0 after `range`. Pure but for what it remembers.
class Counter {
 public:
  /// `unit_J`: of one count. `range`: 0 for a counter that does not wrap. `most_W`: more than the counter's hardware
  /// can draw; a step back that would mean more is a reset. The default is twice the largest CPU sold, a declared
  /// bound.
  explicit Counter(double unit_J, std::uint64_t range, double most_W = 1'000.0)
      : unit_J_(unit_J), range_(range), most_W_(most_W) {}
  void advance(std::uint64_t now, double at_s) noexcept;
  /// Joules since the first reading.
  [[nodiscard]] double joules() const noexcept { return static_cast<double>(total_) * unit_J_; }
  [[nodiscard]] bool moved() const noexcept { return total_ != 0; }
  /// Empty while every step can be explained.
  [[nodiscard]] std::string problem() const;
  [[nodiscard]] bool sound() const noexcept { return trouble_ == Trouble::None; }

 private:
  enum class Trouble { None, WentBack, NotReadForLong };
  double unit_J_;
  std::uint64_t range_;
  double most_W_;
  std::optional<std::uint64_t> last_;
  double last_s_ = 0.0;
  std::uint64_t total_ = 0;
  Trouble trouble_ = Trouble::None;
  std::uint64_t from_ = 0, to_ = 0;  ///< of the step that no wrap explains
  double as_wrap_W_ = 0.0;           ///< the power that it would mean as a wrap, 0 if it cannot be one
  double gap_s_ = 0.0;
};

/// Joules from samples of power: trapezoids between samples, and after the last one its power goes on.
class PowerIntegral {
 public:
  void add(double at_s, double watts) noexcept;
  /// Joules from the first sample to `at_s`; never less than it said before. 0 without a sample.
  [[nodiscard]] double joules(double at_s) noexcept;
  /// Whether there is no sample yet, or the last is older than `every_s`.
  [[nodiscard]] bool due(double at_s, double every_s) const noexcept { return !last_W_ || at_s - last_s_ >= every_s; }
  /// Whether any sample was above 0.
  [[nodiscard]] bool seen() const noexcept { return seen_; }
  [[nodiscard]] double last_W() const noexcept { return last_W_.value_or(0.0); }

 private:
  std::optional<double> last_W_;
  double last_s_ = 0.0, total_J_ = 0.0, told_J_ = 0.0;
  bool seen_ = false;
};

}  // namespace haywatt::meter
