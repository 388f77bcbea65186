/// A metered program that was never run: plausible numbers with every oddity a report or an export must bear.
/// Deterministic.
#pragma once
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "haywatt/record/record.hpp"

namespace haywatt::test {

struct ProgramFixture {
  bool energy = true;     ///< false: every energy figure is unknown
  bool phases = true;     ///< false: the program marked none
  int samples = 65;       ///< over 6.5 s
  int processes = 5;      ///< of the tree
  std::string argument;   ///< one more argument of the command, which is also the label's end
  bool measured = false;  ///< RAPL package and DRAM instead of the estimate
};

inline EnergyFigure program_energy(double joules, const std::string& share, const std::string& rule,
                                   const ProgramFixture& o, const std::string& boundary) {
  EnergyFigure e;
  e.sensor = o.measured ? "rapl-powercap" : "estimate";
  e.tier = o.measured ? "" : "VM";
  e.boundary = boundary;
  e.share = share;
  e.rule = rule;
  e.known = o.energy;
  if (!o.energy) {
    e.joules = Figure::exact(0.0, "J");
    e.note = "no estimate for this processor";
    return e;
  }
  if (o.measured) {
    e.joules = Figure::from_components(joules, "J",
                                       {{"gain", 'B', 0.05, 0.0, {CorrelationKind::Sensor, "rapl:" + boundary}},
                                        {"update period", 'B', 0.0, 0.02, {CorrelationKind::Run, "r1"}}});
    e.note = "idle power 12.3 W: the quietest second";
  } else {
    e.joules =
        Figure::from_components(joules, "J",
                                {{"model, busy", 'B', 0.25, 0.0, {CorrelationKind::Model, "estimate-VM-busy:m"}},
                                 {"host load", 'B', 0.24, 0.0, {CorrelationKind::Model, "estimate-VM-host-load:m"}},
                                 {"workload", 'B', 0.33, 0.0, {CorrelationKind::Model, "workload:m"}}});
    e.note = "AMD EPYC, newer: 2 hardware threads";
  }
  return e;
}

inline void add_program_energy(std::vector<EnergyFigure>& list, double joules, const std::string& share,
                               const ProgramFixture& o) {
  const std::vector<std::pair<std::string, double>> boundaries =
      o.measured ? std::vector<std::pair<std::string, double>>{{"package", 1.0}, {"dram", 0.125}}
                 : std::vector<std::pair<std::string, double>>{{"wall", 1.0}};
  for (const auto& [boundary, part] : boundaries) {
    list.push_back(program_energy(0.75 * part * joules, share, "marginal", o, boundary));
    list.push_back(program_energy(part * joules, share, "attributed", o, boundary));
    if (share == "process-tree") list.push_back(program_energy(1.25 * part * joules, "machine", "", o, boundary));
  }
}

inline Machine example_machine() {
  Machine m;
  m.id = "m";
  m.cpu_name = "AMD EPYC, 64-Core";
  m.cpu_vendor = "AuthenticAMD";
  m.logical_cpus = 2;
  m.physical_cores = 1;
  m.sockets = 1;
  m.cpu_quota = 2;
  m.memory_B = std::uint64_t{8} << 30;
  m.virtual_machine = true;
  m.hypervisor = "KVM";
  m.kernel = "6.1.0";
  m.distribution = "Debian GNU/Linux 12";
  return m;
}

inline ProgramRecord make_program(const ProgramFixture& o = {}) {
  constexpr double wall_s = 6.5, cpu_s = 12.4;
  ProgramRecord record;
  record.machine = example_machine();
  record.haywatt_version = "0.1.0";
  RunRecord& run = record.run;
  run.id = "r1";
  run.label = o.argument.empty() ? "python train.py" : "python train.py " + o.argument;
  run.started = "2026-11-24T20:06:05Z";
  run.threads = 2;
  run.wall_s = wall_s;
  run.cpu_s = cpu_s;
  run.rss_peak_B = 436'000'000;
  run.read_B = 123'456'789;
  run.written_B = 4'096'000;
  run.sampler_cpu_s = 0.004;
  add_program_energy(run.energy, 40.0, "process-tree", o);
  const std::vector<std::pair<std::string, double>> shares =
      o.phases ? std::vector<std::pair<std::string, double>>{{"read", 0.1}, {"train", 0.8}, {"other", 0.1}}
               : std::vector<std::pair<std::string, double>>{{"other", 1.0}};
  double at = 0.0;
  for (const auto& [name, share] : shares) {
    PhaseRecord phase;
    phase.name = name;
    phase.wall_s = share * wall_s;
    phase.cpu_s = share * cpu_s;
    add_program_energy(phase.energy, share * 40.0, "phase", o);
    run.phases.push_back(phase);
    if (name != "other") run.spans.push_back({name, 7, at, at + share * wall_s});
    at += share * wall_s;
  }
  for (int i = 0; i < o.samples; ++i) {
    const double t = o.samples == 1 ? 0.0 : wall_s * i / (o.samples - 1);
    SampleRecord s;
    s.t_s = t;
    s.rss_B = static_cast<std::uint64_t>(436e6 * (1.0 - std::exp(-t)));
    s.cpu_s = cpu_s * t / wall_s;
    s.read_B = static_cast<std::uint64_t>(123'456'789 * std::min(1.0, t / 0.65));
    s.written_B = static_cast<std::uint64_t>(4'096'000 * t / wall_s);
    s.processes = t < 1.0 ? 1 : static_cast<std::uint64_t>(o.processes);
    s.threads = s.processes + 1;
    run.samples.push_back(s);
  }
  if (o.energy) {
    for (const auto& [share, rule, watts] :
         {std::tuple{"process-tree", "marginal", 4.6}, {"process-tree", "attributed", 6.2}, {"machine", "", 7.7}}) {
      PowerSeries p;
      p.sensor = o.measured ? "rapl-powercap" : "estimate";
      p.tier = o.measured ? "" : "VM";
      p.boundary = o.measured ? "package" : "wall";
      p.share = share;
      p.rule = rule;
      for (int i = 0; i <= 7; ++i) p.t_s.push_back(std::min(wall_s, static_cast<double>(i)));
      for (int i = 0; i < 7; ++i) p.watts.push_back(watts * (i == 0 ? 0.5 : 1.0 + 0.02 * i));
      run.power.push_back(p);
    }
  }
  TreeRecord& tree = run.tree.emplace();
  tree.command = {"python", "train.py"};
  if (!o.argument.empty()) tree.command.push_back(o.argument);
  tree.counted_by = "cgroup v1";
  tree.user_s = 11.9;
  tree.system_s = 0.5;
  tree.steal_s = 0.2;
  tree.start_up_s = 0.003;
  tree.pss_peak_B = 401'000'000;
  tree.processes_seen = static_cast<std::uint64_t>(o.processes);
  tree.threads_peak = static_cast<std::uint64_t>(o.processes) + 1;
  tree.voluntary_switches = 345;
  tree.involuntary_switches = 67;
  tree.major_faults = 8;
  for (int i = 0; i < o.processes; ++i) {
    ProcessRecord p;
    p.pid = 1000 + i;
    p.parent = i == 0 ? 999 : 1000;
    p.name = i == 0 ? "python" : "worker";
    p.start_s = i == 0 ? 0.003 : 1.0 + 0.01 * i;
    p.end_s = i == 0 ? wall_s : 6.4;
    p.cpu_s = i == 0 ? 2.4 : 10.0 / (o.processes - 1);
    p.rss_peak_B = 80'000'000;
    tree.processes.push_back(p);
  }
  run.warnings.push_back("the hypervisor took 0.2 CPU-s meanwhile");
  return record;
}

}  // namespace haywatt::test
