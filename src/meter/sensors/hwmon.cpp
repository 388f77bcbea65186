#include "meter/sensors/hwmon.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "haywatt/base/text.hpp"
#include "meter/sensors/powercap.hpp"
#include "meter/sensors/sensor_file.hpp"

namespace haywatt::meter {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
/// Power is read at most so often: a reading may ask firmware, and the fastest such meter (Grace) has a new value every
/// 50 ms.
constexpr double least_between_s = 0.05;
/// Where the driver tells no period: "often 1 s or more" of ACPI meters; of amdgpu a declared guess.
constexpr double acpi_period_s = 1.0, amdgpu_period_s = 0.1;
/// amd_energy: registers updated every 1 ms in steps of 15.3 µJ (amd_energy.rst).
constexpr double amd_period_s = 1e-3, amd_step_J = 15.3e-6;
/// Declared guesses: firmware names an accuracy of 100 % where nobody measured one.
constexpr double meter_gain = 0.05;

/// One file: a counter in µJ, or power in µW.
class Part {
 public:
  Part(std::string name, const std::string& path, bool is_power)
      : name_(std::move(name)), file_(path), is_power_(is_power), counter_(1e-6, 0) {}
  double read(double at_s) noexcept {
    if (failed_ || !counter_.sound()) return nan;
    if (is_power_ && !power_.due(at_s, least_between_s)) return power_.joules(at_s);
    const auto now = file_.number();
    failed_ = !now;
    if (failed_) return nan;
    if (is_power_) {
      power_.add(at_s, static_cast<double>(*now) * 1e-6);
      return power_.joules(at_s);
    }
    counter_.advance(*now, at_s);
    return counter_.sound() ? counter_.joules() : nan;
  }
  [[nodiscard]] bool opened() const { return file_.opened(); }
  [[nodiscard]] std::string fault() const {
    if (const std::string p = file_.problem(); !p.empty()) return name_ + ": " + p;
    if (const std::string p = counter_.problem(); !p.empty()) return name_ + ": " + p;
    if (is_power_) return power_.seen() ? std::string{} : name_ + ": it shows 0 W";
    return counter_.moved() ? std::string{} : name_ + ": the counter did not move";
  }

 private:
  std::string name_;
  SensorFile file_;
  bool is_power_;
  Counter counter_;
  PowerIntegral power_;
  bool failed_ = false;
};

class Hwmon final : public EnergySensor {
 public:
  explicit Hwmon(SensorClock clock) : clock_(std::move(clock)) {}
  [[nodiscard]] std::string name() const override { return "hwmon"; }
  [[nodiscard]] const std::vector<SensorChannel>& channels() const override { return channels_; }

  std::vector<Part>& add(SensorChannel channel) {
    channels_.push_back(std::move(channel));
    faults_.emplace_back();
    return parts_.emplace_back();
  }
  /// The channel added last says nothing, for this reason.
  void doubt(std::string why) { faults_.back() = std::move(why); }

  void read(std::span<double> joules) noexcept override {
    const double at_s = clock_();
    for (std::size_t c = 0; c < parts_.size(); ++c) {
      joules[c] = faults_[c].empty() ? 0.0 : nan;
      for (Part& p : parts_[c]) joules[c] += p.read(at_s);
    }
  }
  [[nodiscard]] bool readable(std::size_t channel) const override {
    const auto& parts = parts_[channel];
    return faults_[channel].empty() &&
           std::all_of(parts.begin(), parts.end(), [](const Part& p) { return p.opened(); });
  }
  [[nodiscard]] std::string fault(std::size_t channel) const override {
    if (!faults_[channel].empty()) return faults_[channel];
    for (const Part& p : parts_[channel])
      if (std::string f = p.fault(); !f.empty()) return f;
    return {};
  }
  [[nodiscard]] std::vector<std::string> remedies() const override {
    bool all = true;
    for (const auto& parts : parts_)
      for (const Part& p : parts) all = all && p.opened();
    if (all) return {};
    return {"groupadd --force energy && usermod --append --groups energy YOUR_USER",
            "echo 'z /sys/class/hwmon/hwmon*/energy*_input 0440 root energy' > /etc/tmpfiles.d/energy-hwmon.conf",
            "systemd-tmpfiles --create /etc/tmpfiles.d/energy-hwmon.conf"};
  }

 private:
  SensorClock clock_;
  std::vector<SensorChannel> channels_;
  std::vector<std::vector<Part>> parts_;  ///< by channel
  std::vector<std::string> faults_;       ///< by channel
};

SensorChannel power_channel(const std::string& boundary, double period_s, std::string source) {
  SensorChannel c;
  c.boundary = boundary;
  c.gain_u_rel = meter_gain;
  c.update_period_s = period_s;
  c.integrated_power = c.carried_on = true;
  c.source = std::move(source);
  return c;
}

struct AcpiMeter {
  std::string folder, label;
  double period_s = acpi_period_s;
};

/// Drivers before the one of Linux 6.x put the files at the device that the hwmon folder points to.
std::optional<AcpiMeter> acpi_meter(const std::string& hwmon) {
  for (const std::string& folder : {hwmon, hwmon + "/device"}) {
    if (!file_exists(folder + "/power1_average") || first_word(folder + "/power1_is_battery") == "1") continue;
    AcpiMeter m{folder, first_line(folder + "/power1_oem_info"), acpi_period_s};
    const auto interval_ms = parse_u64(first_word(folder + "/power1_average_interval"));
    if (interval_ms && *interval_ms > 0) m.period_s = static_cast<double>(*interval_ms) * 1e-3;
    return m;
  }
  return std::nullopt;
}

/// "Module Power Socket 0" -> "Module"; empty for meters that are not Grace's.
std::string grace_rail(const std::string& label) {
  for (const char* rail : {"Module", "Grace", "CPU", "SysIO"})
    if (label.starts_with(std::string(rail) + " Power Socket ")) return rail;
  return {};
}

void add_acpi(Hwmon& sensor, const std::string& boundary, const std::vector<AcpiMeter>& meters,
              const std::string& rails) {
  double period_s = 0.0;
  for (const AcpiMeter& m : meters) period_s = std::max(period_s, m.period_s);
  std::string source =
      "/sys/class/hwmon/*/power1_average (ACPI power meter" + (rails.empty() ? "" : ", " + rails) + ")";
  std::vector<Part>& parts = sensor.add(power_channel(boundary, period_s, std::move(source)));
  for (const AcpiMeter& m : meters)
    parts.emplace_back(m.label.empty() ? "power meter" : m.label, m.folder + "/power1_average", true);
}

/// Grace: Module contains Grace (and the GPU), Grace contains CPU and SysIO. So CPU + SysIO are what a package is on
/// other machines; the outermost meter is the platform. A parent and its child never meet in one sum.
void add_acpi_meters(Hwmon& sensor, const std::vector<AcpiMeter>& meters) {
  std::map<std::string, std::vector<AcpiMeter>> rails;
  for (const AcpiMeter& m : meters) rails[grace_rail(m.label)].push_back(m);
  if (auto& cpu = rails["CPU"]; !cpu.empty() && cpu.size() == rails["SysIO"].size()) {
    cpu.insert(cpu.end(), rails["SysIO"].begin(), rails["SysIO"].end());
    add_acpi(sensor, "package", cpu, "CPU + SysIO of each socket");
  }
  if (!rails["Module"].empty())
    add_acpi(sensor, "psys", rails["Module"], "Module of each socket: CPU, GPU, their memory, regulators");
  else if (!rails["Grace"].empty())
    add_acpi(sensor, "psys", rails["Grace"], "Grace of each socket: CPU, its memory, regulators");
  const auto& unlabelled = rails[""];
  if (unlabelled.empty()) return;
  add_acpi(sensor, "node", unlabelled, "");
  if (unlabelled.size() > 1)
    sensor.doubt("there are several ACPI power meters, and which of them contains which is not known");
}

void add_amd_energy(Hwmon& sensor, const std::string& hwmon, const Machine& machine) {
  std::vector<std::pair<std::string, std::string>> sockets;  // cores (Ecore*) lie inside
  for (const std::string& path : files_beginning(hwmon, "energy"))
    if (path.ends_with("_label"))
      if (const std::string label = first_word(path); label.starts_with("Esocket"))
        sockets.emplace_back(label, path.substr(0, path.size() - 5) + "input");
  if (sockets.empty()) return;
  SensorChannel c;
  c.boundary = "package";
  c.gain_u_rel = rapl_gain("package", machine);
  c.update_period_s = amd_period_s;
  c.resolution_J = amd_step_J;
  c.source = "/sys/class/hwmon/*/energyN_input (amd_energy, Esocket*)";
  c.counter = "rapl";
  std::vector<Part>& parts = sensor.add(std::move(c));
  for (const auto& [label, path] : sockets) parts.emplace_back(label, path, false);
}

void add_amdgpus(Hwmon& sensor, const std::vector<std::string>& boards) {
  if (boards.empty()) return;
  std::vector<Part>& parts =
      sensor.add(power_channel("board", amdgpu_period_s, "/sys/class/hwmon/*/power1_{average,input} (amdgpu)"));
  for (const std::string& hwmon : boards) {
    const std::string average = hwmon + "/power1_average";
    parts.emplace_back("amdgpu " + hwmon.substr(hwmon.rfind('/') + 1),
                       file_exists(average) ? average : hwmon + "/power1_input", true);
  }
}

}  // namespace

std::unique_ptr<EnergySensor> open_hwmon(const std::string& sysroot, const Machine& machine, SensorClock clock) {
  auto sensor = std::make_unique<Hwmon>(std::move(clock));
  std::vector<AcpiMeter> meters;
  std::vector<std::string> boards;
  for (const std::string& hwmon : files_beginning(sysroot + "/sys/class/hwmon", "hwmon")) {
    std::string driver = first_word(hwmon + "/name");
    if (driver.empty()) driver = first_word(hwmon + "/device/name");
    if (driver == "power_meter") {
      if (auto m = acpi_meter(hwmon)) meters.push_back(std::move(*m));
    } else if (driver == "amd_energy") {
      add_amd_energy(*sensor, hwmon, machine);
    } else if (driver == "amdgpu" && file_exists(hwmon + "/power1_cap")) {
      boards.push_back(hwmon);  // without a cap it is the graphics part of a CPU, inside its package
    }
  }
  add_acpi_meters(*sensor, meters);
  add_amdgpus(*sensor, boards);
  if (sensor->channels().empty()) return nullptr;
  return sensor;
}

}  // namespace haywatt::meter
