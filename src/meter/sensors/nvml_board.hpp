/// One GPU: its energy counter checked against its power, or its power added up.
#pragma once
#include <sys/types.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "meter/sensors/counter.hpp"
#include "meter/sensors/nvml_library.hpp"

namespace haywatt::meter {

/// Which power is read. Older drivers have no fields; what PowerUsage means depends on the architecture.
enum class NvmlPower { None, Instant, Average, Usage };

/// How often a new value of power appears, and over which part of that time it was averaged.
struct NvmlWindow {
  double period_s = 0.0, window_s = 0.0;
  [[nodiscard]] double share() const { return window_s < period_s ? window_s / period_s : 1.0; }
};

/// GPUs with the chip GA100, by the name of their board.
[[nodiscard]] bool is_ga100(const std::string& name);
/// After Yang, Adámek, Armour (SC24, arXiv 2312.02741), who measured more than 70 boards; the least known share for
/// architectures they did not have.
[[nodiscard]] NvmlWindow nvml_window(unsigned architecture, const std::string& name, NvmlPower power);

class NvmlBoard {
 public:
  NvmlBoard(std::shared_ptr<NvmlLibrary> library, unsigned index);

  /// Joules since the first reading, NaN once it has failed.
  [[nodiscard]] double read(double at_s) noexcept;
  [[nodiscard]] std::string fault() const;
  [[nodiscard]] bool readable() const { return error_ == nvml_success; }
  [[nodiscard]] int error() const { return error_; }
  /// The part of the processor's activity since the last call that was these processes'. 0 where nobody used it;
  /// nothing where it was used and no process is named.
  [[nodiscard]] std::optional<double> share_of(std::span<const pid_t> processes);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] bool counts_energy() const { return energy_; }
  [[nodiscard]] NvmlPower power() const { return power_; }
  [[nodiscard]] NvmlWindow window() const { return nvml_window(architecture_, name_, power_); }
  [[nodiscard]] double limit_W() const { return limit_W_; }
  /// "nvmlDeviceGetTotalEnergyConsumption …": what is read.
  [[nodiscard]] std::string source() const;

 private:
  [[nodiscard]] bool idle() const;
  [[nodiscard]] int watts(double& value) const noexcept;
  [[nodiscard]] int field_watts(unsigned field, double& value) const noexcept;
  void sample_power(double at_s) noexcept;
  void read_energy(double at_s) noexcept;
  void compare(double at_s) noexcept;

  std::shared_ptr<NvmlLibrary> nvml_;
  NvmlDevice device_ = nullptr;
  std::string label_, name_;
  unsigned architecture_ = nvml_unknown_architecture;
  NvmlPower power_ = NvmlPower::None;
  bool energy_ = false;
  double limit_W_ = 0.0;
  int error_ = nvml_success;

  PowerIntegral integral_;
  std::size_t samples_ = 0;
  double squares_W2_ = 0.0, most_W_ = 0.0;  ///< of differences of neighbouring samples; the largest sample

  bool started_ = false;
  unsigned long long first_mJ_ = 0, last_mJ_ = 0;
  double first_s_ = 0.0, energy_s_ = 0.0, integral_at_energy_J_ = 0.0, told_J_ = 0.0;
  bool went_back_ = false;
  /// Set where counter and power disagree: what each says, and after how long.
  double apart_counter_J_ = 0.0, apart_power_J_ = 0.0, apart_s_ = 0.0;

  unsigned long long seen_us_ = 0;
};

}  // namespace haywatt::meter
