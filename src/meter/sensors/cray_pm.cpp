#include "meter/sensors/cray_pm.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "haywatt/base/text.hpp"
#include "meter/sensors/sensor_file.hpp"

namespace haywatt::meter {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
/// 10 Hz (bcumming/cray-power), where raw_scan_hz does not say otherwise (GEOPM, CNLIOGroup).
constexpr double usual_scan_hz = 10.0;
/// Whole joules: "123 J".
constexpr double resolution_J = 1.0;
/// Declared guess: no published figure was found.
constexpr double gain = 0.05;
constexpr int most_attempts = 5;

struct CountedFile {
  explicit CountedFile(const std::string& path) : file(path), counter(1.0, 0) {}
  SensorFile file;
  Counter counter;
  std::optional<std::uint64_t> now;
  bool failed = false;
};

class CrayPm final : public EnergySensor {
 public:
  CrayPm(const std::string& folder, SensorClock clock) : clock_(std::move(clock)), freshness_(folder + "/freshness") {
    const auto hz = parse_double(first_word(folder + "/raw_scan_hz"));
    if (hz && *hz > 0.01 && *hz < 1e6) period_s_ = 1.0 / *hz;
  }
  [[nodiscard]] std::string name() const override { return "cray-pm"; }
  [[nodiscard]] const std::vector<SensorChannel>& channels() const override { return channels_; }

  void add(const std::string& boundary, const std::vector<std::string>& paths, const std::string& what) {
    if (paths.empty()) return;
    SensorChannel& c = channels_.emplace_back();
    c.boundary = boundary;
    c.gain_u_rel = gain;
    c.update_period_s = period_s_;
    c.resolution_J = resolution_J;
    c.source = "/sys/cray/pm_counters/" + what;
    auto& files = files_.emplace_back();
    for (const std::string& path : paths) files.emplace_back(path);
  }

  void read(std::span<double> joules) noexcept override {
    (void)read_of_one_moment([this] { return freshness_.number(); },
                             [this] {
                               for (auto& files : files_)
                                 for (CountedFile& f : files) f.now = f.file.number();
                             });
    const double at_s = clock_();
    for (std::size_t c = 0; c < files_.size(); ++c) {
      joules[c] = 0.0;
      for (CountedFile& f : files_[c]) joules[c] += joules_of(f, at_s);
    }
  }

  [[nodiscard]] bool readable(std::size_t channel) const override {
    return std::all_of(files_[channel].begin(), files_[channel].end(),
                       [](const CountedFile& f) { return f.file.opened(); });
  }

  [[nodiscard]] std::string fault(std::size_t channel) const override {
    for (const CountedFile& f : files_[channel]) {
      if (f.failed || !f.file.opened()) return f.file.problem().empty() ? "it failed once" : f.file.problem();
      const std::string name = f.file.path().substr(f.file.path().rfind('/') + 1);
      if (!f.counter.sound()) return name + ": " + f.counter.problem();
      if (!f.counter.moved()) return name + ": the counter did not move";
    }
    return {};
  }

  [[nodiscard]] std::vector<std::string> remedies() const override {
    for (std::size_t c = 0; c < channels_.size(); ++c)
      if (!readable(c)) return {"chmod a+r /sys/cray/pm_counters/*"};
    return {};
  }

 private:
  static double joules_of(CountedFile& f, double at_s) noexcept {
    f.failed = f.failed || !f.now;
    if (f.failed) return nan;
    f.counter.advance(*f.now, at_s);
    return f.counter.sound() ? f.counter.joules() : nan;
  }

  SensorClock clock_;
  SensorFile freshness_;
  double period_s_ = 1.0 / usual_scan_hz;
  std::vector<SensorChannel> channels_;
  std::vector<std::vector<CountedFile>> files_;  ///< by channel
};

}  // namespace

bool read_of_one_moment(const std::function<std::optional<std::uint64_t>()>& freshness,
                        const std::function<void()>& read) {
  for (int attempt = 0; attempt < most_attempts; ++attempt) {
    const auto before = freshness();
    read();
    if (freshness() == before) return true;
  }
  return false;
}

std::unique_ptr<EnergySensor> open_cray_pm(const std::string& sysroot, const Machine& /*machine*/, SensorClock clock) {
  const std::string folder = sysroot + "/sys/cray/pm_counters";
  const auto present = [&](const char* name) {
    std::vector<std::string> paths = {folder + "/" + name};
    if (!file_exists(paths.front())) paths.clear();
    return paths;
  };
  std::vector<std::string> accelerators = files_beginning(folder, "accel");
  std::erase_if(accelerators, [](const std::string& path) { return !path.ends_with("_energy"); });
  auto sensor = std::make_unique<CrayPm>(folder, std::move(clock));
  sensor->add("node", present("energy"), "energy");
  sensor->add("package", present("cpu_energy"), "cpu_energy");
  sensor->add("dram", present("memory_energy"), "memory_energy");
  sensor->add("board", accelerators, "accel*_energy");
  if (sensor->channels().empty()) return nullptr;
  return sensor;
}

}  // namespace haywatt::meter
