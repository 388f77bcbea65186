#include "meter/sensors/nvml_board.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "haywatt/base/text.hpp"

namespace haywatt::meter {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr unsigned field_average = 185, field_instant = 186;  // nvml.h NVML_FI_DEV_POWER_{AVERAGE,INSTANT}

/// Read more often, the energy counter of some boards falls short of the power's integral (13 % at 10 Hz, 1.6 % at
/// 1 Hz on an RTX 4090: Dauner et al.).
constexpr double between_energy_s = 1.0;
/// No board has a new power more often than every 20 ms.
constexpr double between_power_s = 0.01;

// When counter and power disagree by more than these explain, neither is believed: gains of 5 % each (95 %), four
// standard deviations of the mean of the samples, and both edges of the time compared.
constexpr double least_compared_s = 5.0, gain_allowance = 0.10, deviations = 4.0, edges_s = 0.2;

bool has_word(const std::string& name, std::string_view wanted) {
  for (const std::string& by_space : split(name, ' '))
    for (const std::string& word : split(by_space, '-'))
      if (word == wanted) return true;
  return false;
}

std::optional<double> number_of(const NvmlFieldValue& v) {
  switch (v.type) {
    case 0:
      return v.value.d;
    case 1:
      return static_cast<double>(v.value.u);
    case 2:
      return static_cast<double>(v.value.ul);
    case 3:
      return static_cast<double>(v.value.ull);
    case 4:
      return static_cast<double>(v.value.ll);
    case 5:
      return static_cast<double>(v.value.i);
    case 6:
      return static_cast<double>(v.value.us);
    default:
      return std::nullopt;
  }
}

}  // namespace

bool is_ga100(const std::string& name) {
  for (const char* board : {"A100", "A100X", "A800", "A30", "A30X"})
    if (has_word(name, board)) return true;
  return false;
}

NvmlWindow nvml_window(unsigned architecture, const std::string& name, NvmlPower power) {
  // A mean over the last second (nvml.h; since Ampere but not on GA100, also nvmlDeviceGetPowerUsage).
  const bool modern = architecture != nvml_unknown_architecture && architecture >= nvml_ampere && !is_ga100(name);
  if (power == NvmlPower::Average || (power == NvmlPower::Usage && modern)) return {1.0, 1.0};
  if (architecture == nvml_pascal || architecture == nvml_volta) return {0.02, 0.01};
  if (architecture == nvml_turing) return {0.1, 0.1};
  if (architecture == nvml_ampere && !is_ga100(name)) return {0.1, 0.1};
  if (architecture == nvml_hopper && has_word(name, "GH200")) return {0.1, 0.02};
  return {0.1, 0.025};  // A100, H100, and those that nobody has measured
}

NvmlBoard::NvmlBoard(std::shared_ptr<NvmlLibrary> library, unsigned index)
    : nvml_(std::move(library)), label_(fmt::format("GPU {}", index)) {
  error_ = nvml_->device_by_index(index, &device_);
  if (error_ != nvml_success) return;
  std::array<char, 96> name{};  // NVML_DEVICE_NAME_V2_BUFFER_SIZE
  if (nvml_->device_name(device_, name.data(), name.size()) == nvml_success) name_.assign(name.data());
  if (nvml_->architecture != nullptr && nvml_->architecture(device_, &architecture_) != nvml_success)
    architecture_ = nvml_unknown_architecture;
  unsigned limit_mW = 0;
  if (nvml_->enforced_limit_mW != nullptr && nvml_->enforced_limit_mW(device_, &limit_mW) == nvml_success)
    limit_W_ = limit_mW * 1e-3;
  unsigned long long mJ = 0;
  energy_ = nvml_->total_energy_mJ != nullptr && nvml_->total_energy_mJ(device_, &mJ) == nvml_success;
  int error = nvml_not_supported;
  for (const NvmlPower p : {NvmlPower::Instant, NvmlPower::Average, NvmlPower::Usage}) {
    power_ = p;
    double value = 0.0;
    error = watts(value);
    if (error == nvml_success) break;
  }
  if (error == nvml_success) return;
  power_ = NvmlPower::None;
  if (!energy_) error_ = error;  // a virtual GPU, a part of one, or one too old
}

int NvmlBoard::field_watts(unsigned field, double& value) const noexcept {
  if (nvml_->field_values == nullptr) return nvml_function_not_found;
  NvmlFieldValue v;
  v.field = field;
  if (const int result = nvml_->field_values(device_, 1, &v); result != nvml_success) return result;
  if (v.result != nvml_success) return v.result;
  const auto mW = number_of(v);
  if (!mW || !(*mW >= 0.0)) return nvml_not_supported;
  value = *mW * 1e-3;
  return nvml_success;
}

int NvmlBoard::watts(double& value) const noexcept {
  if (power_ == NvmlPower::Instant) return field_watts(field_instant, value);
  if (power_ == NvmlPower::Average) return field_watts(field_average, value);
  unsigned mW = 0;
  const int result = nvml_->power_usage_mW(device_, &mW);
  value = mW * 1e-3;
  return result;
}

void NvmlBoard::sample_power(double at_s) noexcept {
  double now_W = 0.0;
  error_ = watts(now_W);
  if (error_ != nvml_success) return;
  if (samples_ > 0) squares_W2_ += (now_W - integral_.last_W()) * (now_W - integral_.last_W());
  ++samples_;
  most_W_ = std::max(most_W_, now_W);
  integral_.add(at_s, now_W);
}

void NvmlBoard::read_energy(double at_s) noexcept {
  unsigned long long now_mJ = 0;
  error_ = nvml_->total_energy_mJ(device_, &now_mJ);
  if (error_ != nvml_success) return;
  if (!started_) {
    first_mJ_ = now_mJ;
    first_s_ = at_s;
  }
  went_back_ = went_back_ || (started_ && now_mJ < last_mJ_);
  started_ = true;
  last_mJ_ = now_mJ;
  energy_s_ = at_s;
  integral_at_energy_J_ = integral_.joules(at_s);
  if (apart_s_ == 0.0) compare(at_s);
}

void NvmlBoard::compare(double at_s) noexcept {
  const double seconds = at_s - first_s_;
  if (power_ == NvmlPower::None || seconds < least_compared_s || samples_ < 3) return;
  const double counter_J = static_cast<double>(last_mJ_ - first_mJ_) * 1e-3, power_J = integral_at_energy_J_;
  const double n = static_cast<double>(samples_);
  const double sigma_W = std::sqrt(squares_W2_ / (2.0 * (n - 1.0)));
  const double edge_s = edges_s + window().window_s;
  const double allowed_J =
      gain_allowance * std::max(counter_J, power_J) + deviations * sigma_W / std::sqrt(n) * seconds + most_W_ * edge_s;
  if (std::abs(counter_J - power_J) <= allowed_J) return;
  apart_counter_J_ = counter_J;
  apart_power_J_ = power_J;
  apart_s_ = seconds;
}

double NvmlBoard::read(double at_s) noexcept {
  if (error_ != nvml_success || went_back_) return nan;
  if (power_ != NvmlPower::None && integral_.due(at_s, between_power_s)) sample_power(at_s);
  if (error_ == nvml_success && energy_ && (!started_ || at_s - energy_s_ >= between_energy_s)) read_energy(at_s);
  if (error_ != nvml_success || went_back_) return nan;
  double joules = integral_.joules(at_s);
  if (energy_) joules += static_cast<double>(last_mJ_ - first_mJ_) * 1e-3 - integral_at_energy_J_;
  told_J_ = std::max(told_J_, joules);
  return told_J_;
}

std::string NvmlBoard::fault() const {
  if (error_ == nvml_not_supported)
    return label_ + ": it shows neither energy nor power (a virtual GPU, or one too old)";
  if (error_ == nvml_no_permission) return label_ + ": no permission";
  if (error_ != nvml_success) return label_ + ": " + nvml_->error_text(error_);
  if (went_back_) return label_ + ": the energy counter went back";
  if (apart_s_ > 0.0)
    return fmt::format(
        "{}: in {:.1f} s the energy counter rose by {:.0f} J and its power adds up to {:.0f} J, further apart than "
        "their "
        "errors explain",
        label_, apart_s_, apart_counter_J_, apart_power_J_);
  if (energy_ && last_mJ_ == first_mJ_ && (energy_s_ > first_s_ || power_ == NvmlPower::None))
    return label_ + ": the energy counter did not move";
  if (power_ != NvmlPower::None && !integral_.seen()) return label_ + ": it shows 0 W";
  return {};
}

std::string NvmlBoard::source() const {
  const char* power = power_ == NvmlPower::Instant   ? "field 186 POWER_INSTANT"
                      : power_ == NvmlPower::Average ? "field 185 POWER_AVERAGE"
                      : power_ == NvmlPower::None    ? ""
                      : window().window_s < 1.0      ? "nvmlDeviceGetPowerUsage (instant)"
                                                     : "nvmlDeviceGetPowerUsage (mean of 1 s)";
  if (!energy_) return std::string(power) + ", added up";
  const std::string counter = "nvmlDeviceGetTotalEnergyConsumption";
  return power_ == NvmlPower::None ? counter : counter + " each second, in between and to check it " + power;
}

bool NvmlBoard::idle() const {
  NvmlUtilization now;
  return nvml_->utilization != nullptr && nvml_->utilization(device_, &now) == nvml_success &&
         now.processor_percent == 0;
}

std::optional<double> NvmlBoard::share_of(std::span<const pid_t> processes) {
  if (nvml_->process_utilization == nullptr || error_ != nvml_success) return std::nullopt;
  std::vector<NvmlProcessSample> samples(128);
  unsigned count = 0;
  int result = nvml_insufficient_size;
  for (int attempt = 0; attempt < 4 && result == nvml_insufficient_size; ++attempt) {
    count = static_cast<unsigned>(samples.size());
    result = nvml_->process_utilization(device_, samples.data(), &count, seen_us_);
    if (result == nvml_insufficient_size) samples.resize(std::clamp<std::size_t>(count, 2 * samples.size(), 65'536));
  }
  const auto by_nobody = [this] { return idle() ? std::optional(0.0) : std::nullopt; };
  if (result == nvml_not_found) return by_nobody();
  if (result != nvml_success) return std::nullopt;
  samples.resize(std::min<std::size_t>(count, samples.size()));
  double all = 0.0, ours = 0.0;
  for (const NvmlProcessSample& s : samples) {
    seen_us_ = std::max(seen_us_, s.timestamp_us);
    all += s.sm_percent;
    if (std::find(processes.begin(), processes.end(), static_cast<pid_t>(s.pid)) != processes.end())
      ours += s.sm_percent;
  }
  return all > 0.0 ? std::optional(ours / all) : by_nobody();
}

}  // namespace haywatt::meter
