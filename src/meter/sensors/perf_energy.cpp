#include "meter/sensors/perf_energy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <limits>
#include <set>
#include <utility>

#include "haywatt/base/text.hpp"
#include "meter/sensors/powercap.hpp"
#include "meter/sensors/sensor_file.hpp"

namespace haywatt::meter {
namespace {

/// As through powercap: it is the same counter.
constexpr double update_period_s = 1e-3;
/// The kernel shifts the counter's own step, 2^-14 J on most Intel CPUs and 2^-16 J on AMD, into units of 2^-32 J.
constexpr double intel_step_J = 61e-6, amd_step_J = 15.3e-6;

/// One event on one CPU, which stands for its socket or die. The kernel has resolved the 32-bit wraps already.
struct Count {
  int cpu = 0, handle = -1, error = 0;
  std::uint64_t first = 0, last = 0;
  bool started = false;
};

struct Event {
  std::string name;
  double scale_J = 0.0;
  std::string problem;  ///< of its description
  std::vector<Count> counts;
};

std::optional<std::uint64_t> event_code(const std::string& text) {
  const std::string prefix = "event=0x";
  if (!text.starts_with(prefix) || text.size() == prefix.size()) return std::nullopt;
  std::uint64_t code = 0;
  const char* const first = text.data() + prefix.size();
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(first, last, code, 16);
  return error == std::errc{} && end == last ? std::optional(code) : std::nullopt;
}

class PerfEnergy final : public EnergySensor {
 public:
  explicit PerfEnergy(PerfInterface& perf) : perf_(perf) {}
  ~PerfEnergy() override {
    for (const Event& e : events_)
      for (const Count& c : e.counts)
        if (c.handle >= 0) perf_.close(c.handle);
  }
  PerfEnergy(const PerfEnergy&) = delete;
  PerfEnergy& operator=(const PerfEnergy&) = delete;

  [[nodiscard]] std::string name() const override { return "perf-energy"; }
  [[nodiscard]] const std::vector<SensorChannel>& channels() const override { return channels_; }

  void add(const std::string& folder, const std::string& event, const std::string& boundary, std::uint32_t type,
           const std::vector<int>& cpus, const Machine& machine) {
    const std::string path = folder + "/events/" + event;
    const std::string description = first_line(path);
    if (description.empty()) return;
    SensorChannel& c = channels_.emplace_back();
    c.boundary = boundary;
    c.gain_u_rel = rapl_gain(boundary, machine);
    c.update_period_s = update_period_s;
    c.resolution_J = machine.cpu_vendor == "GenuineIntel" ? intel_step_J : amd_step_J;
    c.source = "perf event power/" + event + "/";
    c.counter = "rapl";
    Event& e = events_.emplace_back();
    e.name = event;
    e.scale_J = parse_double(first_word(path + ".scale")).value_or(0.0);
    const std::string unit = first_word(path + ".unit");
    const auto code = event_code(description);
    if (!code) e.problem = "its description \"" + description + "\" is not of the form event=0xN";
    if (!(e.scale_J > 0.0) || !std::isfinite(e.scale_J)) e.problem = "its .scale holds no number above 0";
    if (unit != "Joules") e.problem = "its .unit is \"" + unit + "\" and not Joules";
    if (!e.problem.empty()) return;
    for (const int cpu : cpus) {
      Count& n = e.counts.emplace_back();
      n.cpu = cpu;
      const int handle = perf_.open(type, *code, cpu);
      if (handle < 0)
        n.error = -handle;
      else
        n.handle = handle;
    }
  }

  void read(std::span<double> joules) noexcept override {
    for (std::size_t i = 0; i < events_.size(); ++i) {
      Event& e = events_[i];
      joules[i] = e.problem.empty() ? 0.0 : std::numeric_limits<double>::quiet_NaN();
      for (Count& c : e.counts) joules[i] += read(c, e.scale_J);
    }
  }

  [[nodiscard]] bool readable(std::size_t channel) const override {
    const Event& e = events_[channel];
    return e.problem.empty() &&
           std::all_of(e.counts.begin(), e.counts.end(), [](const Count& c) { return c.handle >= 0; });
  }

  [[nodiscard]] std::string fault(std::size_t channel) const override {
    const Event& e = events_[channel];
    if (!e.problem.empty()) return e.name + ": " + e.problem;
    // A psys stands for the whole platform: where several sockets have one, the others are silent.
    const bool platform = channels_[channel].boundary == "psys";
    const auto moved = [](const Count& c) { return c.last != c.first; };
    const auto moving = std::count_if(e.counts.begin(), e.counts.end(), moved);
    if (platform && moving > 1)
      return "psys counters of several sockets move, and whether each is the whole platform is not documented";
    for (const Count& c : e.counts) {
      if (c.error == EACCES || c.error == EPERM)
        return fmt::format("{}: no permission to open it on CPU {} (perf_event_paranoid above 0 and no CAP_PERFMON)",
                           e.name, c.cpu);
      if (c.error != 0) return fmt::format("{} on CPU {}: {}", e.name, c.cpu, error_text(c.error));
      if (!moved(c) && !(platform && moving == 1))
        return fmt::format("{} on CPU {}: the counter did not move", e.name, c.cpu);
    }
    return {};
  }

  [[nodiscard]] std::vector<std::string> remedies() const override {
    for (const Event& e : events_)
      for (const Count& c : e.counts)
        if (c.error == EACCES || c.error == EPERM)
          return {"setcap cap_perfmon=ep \"$(command -v haywatt)\"   # this program alone, Linux 5.8 or later",
                  "sysctl kernel.perf_event_paranoid=0   # or everybody, until the next start of the machine",
                  "echo 'kernel.perf_event_paranoid = 0' > /etc/sysctl.d/60-energy.conf   # and from then on"};
    return {};
  }

 private:
  double read(Count& c, double scale_J) noexcept {
    std::uint64_t now = 0;
    if (c.error == 0) c.error = perf_.read(c.handle, now);
    if (c.error != 0) return std::numeric_limits<double>::quiet_NaN();
    if (!c.started) c.first = now;
    c.started = true;
    c.last = now;
    return static_cast<double>(now - c.first) * scale_J;
  }

  PerfInterface& perf_;
  std::vector<SensorChannel> channels_;
  std::vector<Event> events_;  ///< by channel
};

/// One CPU of each counter. AMD has one a package, but kernels 6.9 to 6.11 list several CPUs of it.
std::vector<int> one_a_counter(const std::vector<int>& cpus, const std::string& sysroot, const Machine& machine) {
  if (machine.cpu_vendor == "GenuineIntel") return cpus;
  std::set<std::string> seen;
  std::vector<int> kept;
  for (const int cpu : cpus) {
    const std::string package =
        first_word(fmt::format("{}/sys/devices/system/cpu/cpu{}/topology/physical_package_id", sysroot, cpu));
    if (package.empty() || seen.insert(package).second) kept.push_back(cpu);
  }
  return kept;
}

}  // namespace

std::unique_ptr<EnergySensor> open_perf_energy(const std::string& sysroot, const Machine& machine,
                                               PerfInterface& perf) {
  const std::string folder = sysroot + "/sys/bus/event_source/devices/power";
  const auto type = parse_u64(first_word(folder + "/type"));
  if (!type || *type > std::numeric_limits<std::uint32_t>::max()) return nullptr;
  const std::vector<int> cpus = one_a_counter(cpu_list(first_word(folder + "/cpumask")), sysroot, machine);
  if (cpus.empty()) return nullptr;
  auto sensor = std::make_unique<PerfEnergy>(perf);
  // energy-cores, energy-gpu and the PMU power_core lie inside the package.
  constexpr std::array<std::pair<const char*, const char*>, 3> events = {
      {{"energy-pkg", "package"}, {"energy-ram", "dram"}, {"energy-psys", "psys"}}};
  for (const auto& [event, boundary] : events)
    sensor->add(folder, event, boundary, static_cast<std::uint32_t>(*type), cpus, machine);
  if (sensor->channels().empty()) return nullptr;
  return sensor;
}

}  // namespace haywatt::meter
