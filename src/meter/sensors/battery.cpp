#include "meter/sensors/battery.hpp"

#include <limits>
#include <utility>

#include "meter/sensors/sensor_file.hpp"

namespace haywatt::meter {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
/// A reading asks the laptop's embedded controller, so not more often than this.
constexpr double least_between_s = 1.0;
/// Declared guesses: fuel gauges renew their values every few seconds, and no figure for their gain was found.
constexpr double update_period_s = 5.0, gain = 0.05;

/// One battery: power_now in µW, or current_now in µA times voltage_now in µV.
class Cell {
 public:
  explicit Cell(const std::string& folder)
      : folder_(folder),
        by_power_(file_exists(folder + "/power_now")),
        first_(folder + (by_power_ ? "/power_now" : "/current_now")) {
    if (!by_power_) voltage_ = SensorFile(folder + "/voltage_now");
  }
  [[nodiscard]] std::optional<double> watts() noexcept {
    const auto a = first_.magnitude();  // some drivers give a current that flows out a minus sign
    if (by_power_) return a ? std::optional(static_cast<double>(*a) * 1e-6) : std::nullopt;
    const auto v = voltage_.number();
    return a && v ? std::optional(static_cast<double>(*a) * 1e-6 * static_cast<double>(*v) * 1e-6) : std::nullopt;
  }
  [[nodiscard]] std::string status() const { return first_line(folder_ + "/status"); }
  [[nodiscard]] std::string problem() const { return first_.problem().empty() ? voltage_.problem() : first_.problem(); }
  [[nodiscard]] bool by_power() const { return by_power_; }

 private:
  std::string folder_;
  bool by_power_;
  SensorFile first_, voltage_;
};

bool feeds_the_machine(const std::vector<Cell>& cells) {
  bool any = false;
  for (const Cell& c : cells) {
    const std::string status = c.status();
    if (status == "Charging") return false;
    any = any || status == "Discharging";
  }
  return any;
}

class Battery final : public EnergySensor {
 public:
  Battery(std::vector<Cell> cells, SensorClock clock) : clock_(std::move(clock)), cells_(std::move(cells)) {
    SensorChannel& c = channels_.emplace_back();
    c.boundary = "node";
    c.gain_u_rel = gain;
    c.update_period_s = update_period_s;
    c.integrated_power = c.carried_on = true;
    c.source = std::string("/sys/class/power_supply/BAT*/") +
               (cells_.front().by_power() ? "power_now" : "current_now x voltage_now");
  }
  [[nodiscard]] std::string name() const override { return "battery"; }
  [[nodiscard]] const std::vector<SensorChannel>& channels() const override { return channels_; }
  void read(std::span<double> joules) noexcept override {
    const double at_s = clock_();
    if (fault_.empty() && power_.due(at_s, least_between_s)) sample(at_s);
    joules[0] = fault_.empty() ? power_.joules(at_s) : nan;
  }
  [[nodiscard]] std::string fault(std::size_t /*channel*/) const override {
    if (!fault_.empty()) return fault_;
    return power_.seen() ? std::string{} : "the battery shows 0 W";
  }

 private:
  void sample(double at_s) {
    if (!feeds_the_machine(cells_)) {
      fault_ = "the machine went on mains, where a battery shows nothing of what it draws";
      return;
    }
    double watts = 0.0;
    for (Cell& c : cells_) {
      const auto w = c.watts();
      if (!w) {
        fault_ = c.problem();
        return;
      }
      watts += *w;
    }
    power_.add(at_s, watts);
  }

  SensorClock clock_;
  std::vector<Cell> cells_;
  std::vector<SensorChannel> channels_;
  PowerIntegral power_;
  std::string fault_;
};

}  // namespace

std::vector<std::string> battery_folders(const std::string& sysroot) {
  std::vector<std::string> folders = files_beginning(sysroot + "/sys/class/power_supply", "BAT");
  std::erase_if(folders, [](const std::string& f) {
    return first_word(f + "/type") != "Battery" || first_word(f + "/scope") == "Device";
  });
  return folders;
}

std::unique_ptr<EnergySensor> open_battery(const std::string& sysroot, const Machine& /*machine*/, SensorClock clock) {
  std::vector<Cell> cells;
  for (const std::string& folder : battery_folders(sysroot)) cells.emplace_back(folder);
  if (cells.empty() || !feeds_the_machine(cells)) return nullptr;
  return std::make_unique<Battery>(std::move(cells), std::move(clock));
}

}  // namespace haywatt::meter
