#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "haywatt/base/error.hpp"
#include "haywatt/meter/calibration.hpp"
#include "haywatt/meter/sensor_survey.hpp"
#include "meter/sensors/hints.hpp"
#include "meter/server_model.hpp"

namespace haywatt::meter {
namespace {

using Clock = std::chrono::steady_clock;

/// More readings than this add nothing to a median.
constexpr std::size_t most_steps = 100'000;
/// What a guest does not see of its host's load, as in the estimate (docs/energy.md).
const double u_host_load = std::log(1.75 / 0.65) / (2.0 * 1.96);

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

double median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// One channel while it is watched.
struct Watch {
  double first_J = 0.0, last_J = 0.0;
  double last_step_s = -1.0, smallest_J = 0.0;
  std::vector<double> periods_s;
  std::size_t steps = 0;

  void see(double joules, double at_s) {
    if (!(joules > last_J)) {
      if (!(joules == last_J)) last_J = joules;
      return;
    }
    const double step_J = joules - last_J;
    smallest_J = steps == 0 ? step_J : std::min(smallest_J, step_J);
    if (last_step_s >= 0.0 && periods_s.size() < most_steps) periods_s.push_back(at_s - last_step_s);
    last_step_s = at_s;
    last_J = joules;
    ++steps;
  }
};

}  // namespace

std::vector<ChannelProbe> probe_channels(EnergySensor& sensor, double seconds) {
  const std::size_t n = sensor.channels().size();
  std::vector<double> joules(n);
  std::vector<Watch> watches(n);
  sensor.read(joules);
  for (std::size_t c = 0; c < n; ++c) watches[c].first_J = watches[c].last_J = joules[c];
  const auto start = Clock::now();
  double at_s = 0.0;
  do {
    sensor.read(joules);
    at_s = seconds_since(start);
    for (std::size_t c = 0; c < n; ++c) watches[c].see(joules[c], at_s);
  } while (at_s < seconds);
  std::vector<ChannelProbe> probes(n);
  for (std::size_t c = 0; c < n; ++c) {
    Watch& w = watches[c];
    ChannelProbe& p = probes[c];
    p.seconds = at_s;
    const double power_W = (w.last_J - w.first_J) / at_s;
    if (std::isfinite(power_W) && w.steps > 0) p.power_W = power_W;
    if (sensor.channels()[c].carried_on) continue;
    p.steps = w.steps;
    if (w.steps > 0) p.step_J = w.smallest_J;
    if (!w.periods_s.empty()) p.period_s = median(w.periods_s);
  }
  return probes;
}

namespace {

std::optional<Calibration> calibration_of(const Machine& machine) {
  try {
    return load_calibration(calibration_path(machine), machine);
  } catch (const Error&) {
    return std::nullopt;  // a damaged one is told of by every estimate
  }
}

EstimateOutlook outlook(const Machine& machine) {
  EstimateOutlook o;
  if (const auto calibration = calibration_of(machine)) {
    const CalibratedLoad idle = calibrated_at(*calibration, machine, 0.0),
                         full = calibrated_at(*calibration, machine, 1.0);
    o.tier = "calibrated";
    o.basis = "readings of a wall meter of " + calibration->created;
    o.idle_W = idle.watts;
    o.full_W = full.watts;
    o.idle_factor = std::sqrt(idle.high / idle.low);
    o.full_factor = std::sqrt(full.high / full.low);
    return o;
  }
  if (machine.virtual_machine) {
    const ThreadPower t = thread_power(machine);
    const double threads = std::max(machine.logical_cpus, 1);
    o.tier = "VM";
    o.basis = "hardware threads of \"" + t.group + "\"";
    o.idle_W = threads * t.idle_W;
    o.full_W = threads * (t.idle_W + t.busy_W);
    o.idle_factor = std::exp(1.96 * t.u_idle);
    const double u_full_W = std::hypot(t.idle_W * t.u_idle, t.busy_W * std::hypot(t.u_busy, u_host_load));
    o.full_factor = std::exp(1.96 * u_full_W / (t.idle_W + t.busy_W));
    return o;
  }
  const ServerModel m = server_model(machine, {});
  o.tier = m.tier;
  o.basis = m.basis;
  o.idle_W = m.idle_W;
  o.full_W = m.full_W;
  o.idle_factor = std::exp(1.96 * m.u_ln(0.0));
  o.full_factor = std::exp(1.96 * m.u_ln(1.0));
  return o;
}

}  // namespace

SensorSurvey survey_sensors(const Machine& machine, double seconds_each) {
  SensorSurvey survey;
  const auto start = Clock::now();
  const EnergySensors sensors = open_all_sensors(machine);
  survey.open_s = seconds_since(start);
  for (const auto& sensor : sensors) {
    SurveyedSensor& s = survey.sensors.emplace_back();
    s.name = sensor->name();
    const std::vector<ChannelProbe> probes = probe_channels(*sensor, seconds_each);
    for (std::size_t c = 0; c < probes.size(); ++c)
      s.channels.push_back({sensor->channels()[c], sensor->fault(c), {}, probes[c]});
    s.remedies = sensor->remedies();
  }
  for (const Duplicate& d : duplicates(sensors)) survey.sensors[d.sensor].channels[d.channel].instead = d.instead;
  const char* root = std::getenv("HAYWATT_SYSROOT");
  survey.hints = sensor_hints(root == nullptr ? "" : root, machine, sensors);
  survey.estimate = outlook(machine);
  return survey;
}

}  // namespace haywatt::meter
