#include "meter/sensors/powercap.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "haywatt/base/text.hpp"
#include "meter/sensors/sensor_file.hpp"

namespace haywatt::meter {
namespace {

/// About 1 ms: Hähnel et al., "Measuring energy consumption for short code paths using RAPL", 2012.
constexpr double update_period_s = 1e-3;
/// The usual step of Intel's counters is 2^-14 J; AMD's is 2^-16 J (Linux arch/x86/events/rapl.c, amd_energy.rst). The
/// file rounds to whole microjoules.
constexpr double intel_step_J = 61e-6, amd_step_J = 15.3e-6;
/// No published bias covers all machines; declared guesses.
constexpr double usual_gain = 0.05, doubtful_gain = 0.10;
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// A wrap is believed below the largest power that the zone says its constraints may be set to (TDP, of some also the
/// turbo's limit), ten times: short turbo limits of laptops are up to four times the TDP. Never more than a socket or
/// the platform can draw, never less than 100 W: declared bounds.
constexpr double over_the_constraints = 10.0, least_bound_W = 100.0, socket_bound_W = 1'000.0,
                 platform_bound_W = 4'000.0;

double most_W(const std::string& folder, const std::string& boundary) {
  const double bound_W = boundary == "psys" ? platform_bound_W : socket_bound_W;
  std::uint64_t most_uW = 0;
  for (int k = 0; k < 10; ++k) {
    const std::string file = folder + "/constraint_" + std::to_string(k) + "_max_power_uw";
    most_uW = std::max(most_uW, parse_u64(first_word(file)).value_or(0));
  }
  if (most_uW == 0) return bound_W;
  return std::clamp(over_the_constraints * static_cast<double>(most_uW) * 1e-6, least_bound_W, bound_W);
}

/// One zone's counter in µJ, followed across its wraps.
class Zone {
 public:
  Zone(const std::string& folder, std::string name, const std::string& boundary)
      : name_(std::move(name)),
        file_(folder + "/energy_uj"),
        counter_(1e-6, parse_u64(first_word(folder + "/max_energy_range_uj")).value_or(0), most_W(folder, boundary)) {}

  /// Joules since the first read, NaN once it has failed.
  double read(double at_s) noexcept {
    if (failed_ || !counter_.sound()) return nan;
    const auto now = file_.number();
    failed_ = !now;
    if (failed_) return nan;
    counter_.advance(*now, at_s);
    return counter_.sound() ? counter_.joules() : nan;
  }
  [[nodiscard]] bool opened() const { return file_.opened(); }
  [[nodiscard]] bool moved() const { return counter_.moved(); }
  [[nodiscard]] double joules() const { return counter_.joules(); }
  [[nodiscard]] std::string fault() const {
    if (const std::string p = file_.problem(); !p.empty()) return name_ + ": " + p;
    if (const std::string p = counter_.problem(); !p.empty()) return name_ + ": " + p;
    return counter_.moved() ? std::string{} : name_ + ": the counter did not move";
  }

 private:
  std::string name_;
  SensorFile file_;
  Counter counter_;
  bool failed_ = false;
};

/// The boundary that a zone of this name belongs to, or empty: "core" and "uncore" lie inside "package".
std::string boundary_of(const std::string& name) {
  if (name.starts_with("package")) return "package";  // package-0, package-0-die-1
  if (name.starts_with("psys")) return "psys";        // psys, psys-1
  if (name == "dram") return name;
  return {};
}

class Powercap final : public EnergySensor {
 public:
  explicit Powercap(SensorClock clock) : clock_(std::move(clock)) {}
  [[nodiscard]] std::string name() const override { return "rapl-powercap"; }
  [[nodiscard]] const std::vector<SensorChannel>& channels() const override { return channels_; }

  void add(const std::string& folder, const std::string& name, const Machine& machine) {
    const std::string boundary = boundary_of(name);
    if (boundary.empty()) return;
    const auto known = std::find_if(channels_.begin(), channels_.end(),
                                    [&](const SensorChannel& c) { return c.boundary == boundary; });
    const auto index = static_cast<std::size_t>(known - channels_.begin());
    if (known == channels_.end()) {
      SensorChannel& c = channels_.emplace_back();
      c.boundary = boundary;
      c.gain_u_rel = rapl_gain(boundary, machine);
      c.update_period_s = update_period_s;
      c.resolution_J = machine.cpu_vendor == "GenuineIntel" ? intel_step_J : amd_step_J;
      c.source =
          "/sys/class/powercap/intel-rapl:*/energy_uj (" + (boundary == "dram" ? boundary : boundary + "*") + ")";
      c.counter = "rapl";
      zones_.emplace_back();
    }
    zones_[index].emplace_back(folder, name, boundary);
  }

  void read(std::span<double> joules) noexcept override {
    const double at_s = clock_();
    for (std::size_t c = 0; c < zones_.size(); ++c) {
      joules[c] = 0.0;
      for (Zone& z : zones_[c]) joules[c] += z.read(at_s);
    }
  }

  [[nodiscard]] bool readable(std::size_t channel) const override {
    return std::all_of(zones_[channel].begin(), zones_[channel].end(), [](const Zone& z) { return z.opened(); });
  }

  /// One silent zone makes the sum wrong, so it makes the channel unknown. A psys stands for the whole platform: where
  /// several sockets have one, the others are silent.
  [[nodiscard]] std::string fault(std::size_t channel) const override {
    const std::vector<Zone>& zones = zones_[channel];
    const auto moving = std::count_if(zones.begin(), zones.end(), [](const Zone& z) { return z.moved(); });
    const bool platform = channels_[channel].boundary == "psys";
    if (platform && moving > 1)
      return "psys counters of several sockets move, and whether each is the whole platform is not documented";
    for (const Zone& z : zones)
      if (std::string f = z.fault(); !f.empty() && !(platform && moving == 1 && z.opened() && !z.moved())) return f;
    return {};
  }

  [[nodiscard]] std::vector<std::string> remedies() const override {
    bool all = true;
    for (std::size_t c = 0; c < channels_.size(); ++c) all = all && readable(c);
    if (all) return {};
    return {"groupadd --force energy && usermod --append --groups energy YOUR_USER",
            "echo 'z /sys/class/powercap/intel-rapl:*/energy_uj 0440 root energy' > /etc/tmpfiles.d/energy.conf",
            "systemd-tmpfiles --create /etc/tmpfiles.d/energy.conf"};
  }

 private:
  SensorClock clock_;
  std::vector<SensorChannel> channels_;
  std::vector<std::vector<Zone>> zones_;  ///< by channel
};

}  // namespace

double rapl_gain(const std::string& boundary, const Machine& m) {
  // Haswell and later measure; before, and on AMD, what is in the domain is not documented.
  const bool modelled = m.micro_architecture == "sandybridge" || m.micro_architecture == "ivybridge";
  return boundary == "package" && m.cpu_vendor == "GenuineIntel" && !modelled ? usual_gain : doubtful_gain;
}

std::unique_ptr<EnergySensor> open_powercap(const std::string& sysroot, const Machine& machine, SensorClock clock) {
  // The class folder lists zones and their subzones flat. "intel-rapl-mmio:*" shows the same packages a second time.
  const auto folders = files_beginning(sysroot + "/sys/class/powercap", "intel-rapl:");
  auto sensor = std::make_unique<Powercap>(std::move(clock));
  for (const std::string& folder : folders) sensor->add(folder, first_word(folder + "/name"), machine);
  if (sensor->channels().empty()) return nullptr;
  return sensor;
}

}  // namespace haywatt::meter
