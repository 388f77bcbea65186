#include "haywatt/meter/own_energy.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "haywatt/base/span.hpp"
#include "haywatt/meter/energy_sensor.hpp"
#include "haywatt/meter/sensor_survey.hpp"
#include "meter/process_files.hpp"

namespace haywatt::meter {
namespace {

constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
constexpr std::array<const char*, 4> boundaries = {"package", "psys", "node", "wall"};

double own_cpu_s() { return static_cast<double>(read_span_border().process_cpu_ns) * 1e-9; }

}  // namespace

struct OwnEnergy::State {
  State();
  [[nodiscard]] double machine_J();
  /// Joules since the last call go to this process by its part of the CPU seconds since then.
  void add();

  EnergySensors sensors;
  EnergySensor* sensor = nullptr;  ///< nullptr: the estimate
  std::size_t channel = 0;
  double watts_per_cpu = unknown;  ///< of the estimate
  std::string source;
  ProcFile stat{"/proc/stat"};
  double cpu_s = 0.0, busy_s = 0.0, read_J = 0.0, sum_J = 0.0;
};

OwnEnergy::State::State() {
  const Machine machine = describe_machine();
  sensors = open_sensors(machine);
  for (const char* boundary : boundaries) {
    for (const auto& candidate : sensors) {
      const std::vector<SensorChannel>& channels = candidate->channels();
      for (std::size_t c = 0; c < channels.size() && sensor == nullptr; ++c) {
        if (channels[c].boundary != boundary || !candidate->readable(c) || !candidate->fault(c).empty()) continue;
        sensor = candidate.get();
        channel = c;
        source = sensor->name() + " (" + boundary + "), by CPU time";
      }
    }
  }
  if (sensor == nullptr) {
    const EstimateOutlook estimate = survey_sensors(machine, 0.0).estimate;
    watts_per_cpu = (estimate.full_W - estimate.idle_W) / std::max(machine.logical_cpus, 1);
    source = "estimate (" + estimate.tier + "), beyond idle";
  }
  cpu_s = own_cpu_s();
  busy_s = machine_busy_s(stat.text(), ::sysconf(_SC_CLK_TCK)).value_or(0.0);
  read_J = machine_J();
}

double OwnEnergy::State::machine_J() {
  if (sensor == nullptr) return 0.0;
  std::vector<double> joules(sensor->channels().size(), unknown);
  sensor->read(joules);
  return joules[channel];
}

void OwnEnergy::State::add() {
  const double cpu = own_cpu_s();
  const double own = cpu - cpu_s;
  cpu_s = cpu;
  if (sensor == nullptr) {
    sum_J += own * watts_per_cpu;
    return;
  }
  const double busy = machine_busy_s(stat.text(), ::sysconf(_SC_CLK_TCK)).value_or(0.0);
  const double now = machine_J();
  // /proc/stat counts in hundredths of a second, our own clock in nanoseconds.
  const double all = std::max(busy - busy_s, own);
  if (all > 0.0) sum_J += (now - read_J) * own / all;
  busy_s = busy;
  read_J = now;
}

OwnEnergy::OwnEnergy() = default;
OwnEnergy::~OwnEnergy() = default;

double OwnEnergy::joules() noexcept {
  try {
    if (state_ == nullptr) {
      state_ = std::make_unique<State>();
      return 0.0;
    }
    state_->add();
    return state_->sum_J;
  } catch (...) {
    return unknown;
  }
}

std::string OwnEnergy::source() const { return state_ == nullptr ? std::string() : state_->source; }

}  // namespace haywatt::meter
