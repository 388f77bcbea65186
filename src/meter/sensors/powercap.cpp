#include "meter/sensors/powercap.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <utility>

#include "haywatt/base/text.hpp"

namespace haywatt::meter {
namespace {

/// About 1 ms: Hähnel et al., "Measuring energy consumption for short code paths using RAPL", 2012.
constexpr double update_period_s = 1e-3;
/// The usual step of Intel's counters, 2^-14 J; AMD's is 2^-16 J.
constexpr double resolution_J = 61e-6;
/// No published bias covers all machines; declared guesses (docs/energy.md).
constexpr double usual_gain = 0.05, doubtful_gain = 0.10;

std::string first_word(const std::string& path) {
  std::ifstream in(path);
  std::string word;
  in >> word;
  return word;
}

/// One zone's counter in µJ, followed across its wraps.
class Zone {
 public:
  Zone(const std::string& folder, std::string name) : name_(std::move(name)) {
    range_uJ_ = parse_u64(first_word(folder + "/max_energy_range_uj")).value_or(0);
    fd_ = ::open((folder + "/energy_uj").c_str(), O_RDONLY | O_CLOEXEC);
    if (fd_ < 0) fault_ = fmt::format("{}: {}", name_, reason(errno));
  }
  ~Zone() {
    if (fd_ >= 0) ::close(fd_);
  }
  Zone(Zone&& o) noexcept
      : name_(std::move(o.name_)),
        fault_(std::move(o.fault_)),
        fd_(std::exchange(o.fd_, -1)),
        range_uJ_(o.range_uJ_),
        last_uJ_(o.last_uJ_),
        total_uJ_(o.total_uJ_) {}
  Zone& operator=(Zone&&) = delete;
  Zone(const Zone&) = delete;
  Zone& operator=(const Zone&) = delete;

  /// Joules since the first read, NaN once the counter has failed.
  double read() {
    if (const auto now = raw()) advance(*now);
    return fault_.empty() ? static_cast<double>(total_uJ_) * 1e-6 : std::numeric_limits<double>::quiet_NaN();
  }

  [[nodiscard]] std::string fault() const {
    if (!fault_.empty()) return fault_;
    return total_uJ_ == 0 ? name_ + ": the counter did not move" : std::string{};
  }

 private:
  static std::string reason(int error_number) {
    if (error_number == EACCES || error_number == EPERM)
      return "no permission to read energy_uj (Linux lets only root since 5.10; docs/energy.md says how to allow it)";
    return std::strerror(error_number);
  }

  std::optional<std::uint64_t> raw() {
    if (fd_ < 0) return std::nullopt;
    std::array<char, 32> text{};
    const ssize_t n = ::pread(fd_, text.data(), text.size(), 0);
    if (n < 0) {
      fault_ = fmt::format("{}: {}", name_, reason(errno));
      return std::nullopt;
    }
    std::string_view digits(text.data(), static_cast<std::size_t>(n));
    digits = digits.substr(0, digits.find_first_not_of("0123456789"));
    const auto value = parse_u64(digits);
    if (!value) fault_ = name_ + ": energy_uj holds no number";
    return value;
  }

  void advance(std::uint64_t now) {
    const std::uint64_t before = last_uJ_.value_or(now);
    if (now >= before)
      total_uJ_ += now - before;
    else if (before <= range_uJ_)
      total_uJ_ += range_uJ_ - before + now;
    else
      fault_ = name_ + ": the counter went back and max_energy_range_uj does not explain it";
    last_uJ_ = now;
  }

  std::string name_, fault_;
  int fd_ = -1;
  std::uint64_t range_uJ_ = 0;
  std::optional<std::uint64_t> last_uJ_;
  std::uint64_t total_uJ_ = 0;
};

/// The boundary that a zone of this name belongs to, or empty: "core" and "uncore" lie inside "package".
std::string boundary_of(const std::string& name) {
  if (name.starts_with("package")) return "package";
  if (name == "dram" || name == "psys") return name;
  return {};
}

/// Haswell and later measure; before, and on AMD, what is in the domain is not documented.
double package_gain(const Machine& m) {
  const bool modelled = m.micro_architecture == "sandybridge" || m.micro_architecture == "ivybridge";
  return m.cpu_vendor == "GenuineIntel" && !modelled ? usual_gain : doubtful_gain;
}

class Powercap final : public EnergySensor {
 public:
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
      c.gain_u_rel = boundary == "package" ? package_gain(machine) : doubtful_gain;
      c.update_period_s = update_period_s;
      c.resolution_J = resolution_J;
      c.source = "/sys/class/powercap/intel-rapl:*/energy_uj";
      zones_.emplace_back();
    }
    zones_[index].emplace_back(folder, name);
  }

  void read(std::span<double> joules) noexcept override {
    for (std::size_t c = 0; c < zones_.size(); ++c) {
      joules[c] = 0.0;
      for (Zone& z : zones_[c]) joules[c] += z.read();
    }
  }

  /// One silent zone makes the sum wrong, so it makes the channel unknown.
  [[nodiscard]] std::string fault(std::size_t channel) const override {
    for (const Zone& z : zones_[channel])
      if (std::string f = z.fault(); !f.empty()) return f;
    return {};
  }

 private:
  std::vector<SensorChannel> channels_;
  std::vector<std::vector<Zone>> zones_;  ///< by channel
};

}  // namespace

std::unique_ptr<EnergySensor> open_powercap(const std::string& sysroot, const Machine& machine) {
  namespace fs = std::filesystem;
  std::vector<std::string> folders;
  std::error_code error;
  // The class folder lists zones and their subzones flat. "intel-rapl-mmio:*" shows the same packages a second time.
  for (fs::directory_iterator it(sysroot + "/sys/class/powercap", error), end; !error && it != end; it.increment(error))
    if (it->path().filename().string().starts_with("intel-rapl:")) folders.push_back(it->path().string());
  std::sort(folders.begin(), folders.end());
  auto sensor = std::make_unique<Powercap>();
  for (const std::string& folder : folders) sensor->add(folder, first_word(folder + "/name"), machine);
  if (sensor->channels().empty()) return nullptr;
  return sensor;
}

}  // namespace haywatt::meter
