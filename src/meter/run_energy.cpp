#include "meter/run_energy.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace haywatt::meter {
namespace {

constexpr std::size_t most_spans = 2'000, most_stretches = 2'000;

double seconds(std::int64_t ns) { return static_cast<double>(ns) * 1e-9; }

void fill_phases(const MeteredRun& m, RunRecord& run) {
  const auto& names = m.phase_names;
  const auto& totals = m.phases.totals();
  run.phases.clear();
  for (PhaseId id = 0; id < names.size(); ++id) {
    const auto use = totals.find(id);
    if (id == other_phase && use == totals.end()) continue;
    PhaseRecord& p = run.phases.emplace_back();
    p.name = names[id];
    if (use == totals.end()) continue;
    p.wall_s = use->second.wall_ns * 1e-9;
    p.cpu_s = use->second.cpu_ns * 1e-9;
  }
  // In the order in which they first appeared, `other` last.
  if (!run.phases.empty() && run.phases.front().name == names[other_phase])
    std::rotate(run.phases.begin(), run.phases.begin() + 1, run.phases.end());
  run.spans.clear();
  for (const Stretch& s : joined(m.phases.stretches(), most_spans))
    run.spans.push_back({names[s.phase], s.thread, seconds(s.start_ns - m.start_ns), seconds(s.end_ns - m.start_ns)});
}

void fill_energy(const MeteredRun& m, RunRecord& run) {
  const Timeline timeline{m.readings.all(), m.phases.slices()};
  std::map<std::string, PhaseId> numbers;
  for (const auto& name : m.phase_names) numbers.emplace(name, static_cast<PhaseId>(numbers.size()));
  run.energy.clear();
  run.power.clear();
  const auto add = [&](const EnergySource& source) {
    add_figures(source, numbers, run);
    for (PowerSeries& p : power_series(source, timeline, most_stretches)) run.power.push_back(std::move(p));
  };
  bool cpu_known = false;
  for (std::size_t s = 0; s < m.readings.sensors(); ++s) {
    const EnergySensor& sensor = m.readings.sensor(s);
    for (std::size_t c = 0; c < sensor.channels().size(); ++c) {
      if (const std::string fault = sensor.fault(c); !fault.empty()) {
        run.energy.push_back(unknown_figure(sensor, c, fault));
        run.warnings.push_back(
            fmt::format("{} ({}) is unknown: {}", sensor.name(), sensor.channels()[c].boundary, fault));
        continue;
      }
      const ChannelReadings read{m.readings.joules(s, c), m.readings.told_shares(s, c), m.readings.idle_seconds(s, c),
                                 m.readings.spread(s, c)};
      add(sensor_source(sensor, c, timeline, read, m.machine, m.identity));
      const std::string& boundary = sensor.channels()[c].boundary;
      cpu_known = cpu_known || (boundary != "dram" && boundary != "board");
    }
  }
  if (!cpu_known) add(estimate_source(timeline, m.machine, m.estimate, m.identity));
}

}  // namespace

void fill_phases_and_energy(const MeteredRun& metered, RunRecord& run) {
  fill_phases(metered, run);
  fill_energy(metered, run);
}

}  // namespace haywatt::meter
