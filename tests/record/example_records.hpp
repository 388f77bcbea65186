/// A study with every member set, for round trips.
#pragma once
#include <limits>

#include "haywatt/record/record.hpp"

namespace haywatt::test {

inline RunRecord example_run(const std::string& id) {
  RunRecord r;
  r.id = id;
  r.label = "zstd:level=19, range:1e-3";
  r.method = "zstd:level=19";
  r.method_version = "1.5.4";
  r.bound = "range:1e-3";
  r.data = "jets.npz";
  r.data_xxh3 = "0123456789abcdef";
  r.threads = 2;
  r.repeat = 3;
  r.started = "2025-01-02T03:04:05Z";
  r.rows = 30'000;
  r.columns = 12;
  r.raw_B = 2'880'000;
  r.compressed_B = 400'000;
  r.model_B = 10;
  r.wall_s = 1.5;
  r.cpu_s = 2.5;
  r.rss_peak_B = std::numeric_limits<std::uint64_t>::max();
  r.rss_start_B = 500;
  r.read_B = 600;
  r.written_B = 700;
  r.sampler_cpu_s = 0.001;
  r.counts = {{"MACs", 1e9}, {"parameters", 12345.0}};
  EnergyFigure e;
  e.joules = Figure::from_components(5.0, "J", {{"model", 'B', 0.4, 0.0, {CorrelationKind::Model, "estimate-VM"}}});
  e.sensor = "estimate";
  e.boundary = "wall";
  e.share = "process-tree";
  e.rule = "attributed";
  e.tier = "VM";
  e.note = "estimated";
  r.energy.push_back(e);
  e.rule = "marginal";
  e.joules = scaled(e.joules, 0.5, "J");
  r.energy.push_back(e);
  e.share = "phase";
  r.phases = {{"read", 0.5, 0.25, {e}}, {"encode", 1.0, 2.25, {}}};
  r.spans = {{"read", 1, 0.0, 0.5}, {"encode", 2, 0.5, 1.5}};
  r.samples = {{0.1, 1000, 0.05, 10, 20, 3, 5}, {0.2, 2000, 0.15, 30, 40, 2, 4}};
  r.power = {{"estimate", "wall", "VM", "process-tree", "attributed", {0.0, 0.5, 1.5}, {3.0, 3.5}}};
  TreeRecord t;
  t.command = {"sh", "-c", "true"};
  t.exit_code = 143;
  t.signal = 15;
  t.counted_by = "cgroup v1";
  t.user_s = 2.0;
  t.system_s = 0.5;
  t.steal_s = 0.125;
  t.start_up_s = 0.001;
  t.pss_peak_B = 900;
  t.processes_seen = 2;
  t.threads_peak = 5;
  t.voluntary_switches = 11;
  t.involuntary_switches = 12;
  t.major_faults = 13;
  t.processes = {{100, 99, "sh", 0.0, 1.5, 0.25, 800}};
  r.tree = t;
  ColumnFidelity c;
  c.name = "pt";
  c.dtype = "<f4";
  c.bound = "abs 0.0123";
  c.epsilon = 0.0123;
  c.minimum = -1.0;
  c.maximum = 2.0;
  c.max_abs_error = 0.01;
  c.max_rel_error = 0.5;
  c.rms_error = 0.001;
  c.exact_share = 0.25;
  c.compressed_B = 99;
  c.original = {-1.0, 2.0, {1.0, 2.0, 3.0}, 1.0};
  c.decoded = {-1.0, 2.0, {1.0, 3.0, 2.0}, 1.0};
  c.error = {-0.01, 0.01, {5.0, 1.0}, 0.0};
  r.fidelity = {c};
  r.warnings = {"reference BLAS in use"};
  return r;
}

inline StudyRecord example_study() {
  StudyRecord s;
  s.title = "jets";
  s.command = "haywatt study jets.npz";
  s.plan_toml = "data = \"jets.npz\"\n";
  s.started = "2025-01-02T03:04:05Z";
  s.haywatt_version = "0.1.0";
  s.machine.id = "abc";
  s.machine.cpu_name = "AMD EPYC";
  s.machine.cpu_vendor = "AuthenticAMD";
  s.machine.cpu_family = 26;
  s.machine.logical_cpus = 2;
  s.machine.cpu_quota = 1.5;
  s.machine.virtual_machine = true;
  s.machine.libraries = {{"zstd", "1.5.4"}};
  s.runs = {example_run("a"), example_run("b")};
  return s;
}

}  // namespace haywatt::test
