/// Sensor files in a temporary folder, as HAYWATT_SYSROOT would name it, and small helpers to read sensors.
#pragma once
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "haywatt/meter/energy_sensor.hpp"

namespace haywatt::meter::test {

class SensorTree {
 public:
  SensorTree() {
    std::string name = (std::filesystem::temp_directory_path() / "haywatt-sensors-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) std::abort();
    root_ = name;
  }
  ~SensorTree() { std::filesystem::remove_all(root_); }
  SensorTree(const SensorTree&) = delete;
  SensorTree& operator=(const SensorTree&) = delete;
  [[nodiscard]] const std::string& root() const { return root_; }
  [[nodiscard]] std::string at(const std::string& path) const { return root_ + "/" + path; }
  /// Makes the file, or overwrites it in place and at once, as a reader of sysfs sees it.
  void write(const std::string& path, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(at(path)).parent_path());
    const int fd = ::open(at(path).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    ASSERT_GE(fd, 0) << path;
    ASSERT_EQ(::pwrite(fd, text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
    ASSERT_EQ(::ftruncate(fd, static_cast<off_t>(text.size())), 0);
    ::close(fd);
  }
  void write(const std::string& path, std::uint64_t number) const { write(path, std::to_string(number) + "\n"); }

 private:
  std::string root_;
};

/// Seconds that a test moves by hand.
struct FakeClock {
  std::shared_ptr<double> now_s = std::make_shared<double>(1000.0);
  double operator()() const { return *now_s; }
  void wait(double s) const { *now_s += s; }
};

inline std::size_t channel(const EnergySensor& sensor, const std::string& boundary) {
  for (std::size_t i = 0; i < sensor.channels().size(); ++i)
    if (sensor.channels()[i].boundary == boundary) return i;
  ADD_FAILURE() << "no channel " << boundary;
  return 0;
}

inline double joules(EnergySensor& sensor, const std::string& boundary) {
  std::vector<double> all(sensor.channels().size());
  sensor.read(all);
  return all.at(channel(sensor, boundary));
}

inline std::string fault(const EnergySensor& sensor, const std::string& boundary) {
  return sensor.fault(channel(sensor, boundary));
}

inline Machine intel() {
  Machine m;
  m.cpu_vendor = "GenuineIntel";
  m.micro_architecture = "skylake-x";
  return m;
}

inline Machine amd() {
  Machine m;
  m.cpu_vendor = "AuthenticAMD";
  return m;
}

}  // namespace haywatt::meter::test
