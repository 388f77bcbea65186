#include <cstdlib>
#include <map>
#include <set>
#include <utility>

#include "haywatt/meter/energy_sensor.hpp"
#include "meter/sensors/battery.hpp"
#include "meter/sensors/channel_subset.hpp"
#include "meter/sensors/cray_pm.hpp"
#include "meter/sensors/dcmi.hpp"
#include "meter/sensors/hwmon.hpp"
#include "meter/sensors/nvml.hpp"
#include "meter/sensors/perf_energy.hpp"
#include "meter/sensors/powercap.hpp"

namespace haywatt::meter {
namespace {

void add(EnergySensors& sensors, std::unique_ptr<EnergySensor> sensor) {
  if (sensor) sensors.push_back(std::move(sensor));
}

}  // namespace

/// Among ways to the same counter the first that can be read is kept: perf is the way its makers recommend.
EnergySensors open_all_sensors(const Machine& machine) {
  const char* root = std::getenv("HAYWATT_SYSROOT");
  const std::string sysroot = root == nullptr ? "" : root;
  EnergySensors sensors;
  // What is asked by calls and not read from files belongs to this machine, not to one whose files are looked at.
  if (sysroot.empty()) add(sensors, open_perf_energy(sysroot, machine, system_perf()));
  add(sensors, open_powercap(sysroot, machine));
  if (sysroot.empty()) {
    NvmlOptions nvml;
    nvml.host_pids = in_first_pid_namespace();
    add(sensors, open_nvml(machine, nvml));
  }
  add(sensors, open_hwmon(sysroot, machine));
  add(sensors, open_cray_pm(sysroot, machine));
  add(sensors, open_dcmi(sysroot, machine));
  add(sensors, open_battery(sysroot, machine));
  return sensors;
}

std::vector<Duplicate> duplicates(const EnergySensors& sensors) {
  struct Place {
    std::size_t sensor, channel;
  };
  std::map<std::pair<std::string, std::string>, std::vector<Place>> ways;
  for (std::size_t s = 0; s < sensors.size(); ++s) {
    const auto& channels = sensors[s]->channels();
    for (std::size_t c = 0; c < channels.size(); ++c)
      if (!channels[c].counter.empty()) ways[{channels[c].counter, channels[c].boundary}].push_back({s, c});
  }
  std::vector<Duplicate> left_out;
  for (const auto& [counter, places] : ways) {
    std::size_t kept = 0;
    while (kept < places.size() && !sensors[places[kept].sensor]->readable(places[kept].channel)) ++kept;
    if (kept == places.size()) kept = 0;
    for (std::size_t i = 0; i < places.size(); ++i)
      if (i != kept) left_out.push_back({places[i].sensor, places[i].channel, sensors[places[kept].sensor]->name()});
  }
  return left_out;
}

EnergySensors open_sensors(const Machine& machine) {
  EnergySensors all = open_all_sensors(machine);
  std::set<std::pair<std::size_t, std::size_t>> left_out;
  for (const Duplicate& d : duplicates(all)) left_out.emplace(d.sensor, d.channel);
  EnergySensors kept;
  for (std::size_t s = 0; s < all.size(); ++s) {
    std::vector<std::size_t> channels;
    for (std::size_t c = 0; c < all[s]->channels().size(); ++c)
      if (!left_out.contains({s, c})) channels.push_back(c);
    if (channels.size() == all[s]->channels().size())
      kept.push_back(std::move(all[s]));
    else if (!channels.empty())
      kept.push_back(subset_of(std::move(all[s]), channels));
  }
  return kept;
}

}  // namespace haywatt::meter
