#include "report/fixture.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

namespace haywatt::test {
namespace {

using Random = std::mt19937_64;

double uniform(Random& r, double low, double high) {
  return low + (high - low) * static_cast<double>(r() >> 11) * 0x1p-53;
}
double jitter(Random& r, double relative) { return 1.0 + uniform(r, -relative, relative); }

struct Profile {
  std::string name, version;
  double factor;        ///< raw/compressed, lossless
  double lossy_factor;  ///< at range:1e-3; 0: refuses
  double in_MBps, out_MBps;
  double train_s;
  double memory_MB;
};

const std::vector<Profile>& profiles() {
  static const std::vector<Profile> all = {
      {"zstd", "zstd 1.5.4", 1.31, 3.9, 310, 900, 0, 60},
      {"zstd:level=19", "zstd 1.5.4", 1.36, 4.3, 4.1, 870, 0, 95},
      {"lz4", "lz4 1.9.4", 1.12, 2.7, 620, 2100, 0, 52},
      {"zfp", "zfp 1.0.0", 1.2, 3.1, 150, 190, 0, 55},
      {"hdf5:sz3", "hdf5plugin 4.1.1", 0, 5.4, 95, 140, 0, 130},
      {"hdf5:bitshuffle-zstd", "hdf5plugin 4.1.1", 1.33, 3.6, 280, 760, 0, 120},
      {"hdf5:blosc2-zstd", "hdf5plugin 4.1.1", 1.32, 3.7, 260, 820, 0, 118},
      {"hdf5:blosc-lz4hc", "hdf5plugin 4.1.1", 1.18, 2.9, 70, 1500, 0, 117},
      {"hdf5:fcidecomp", "hdf5plugin 4.1.1", 1.01, 1.4, 40, 60, 0, 110},
      {"hdf5:zfp", "hdf5plugin 4.1.1", 1.21, 3.0, 120, 160, 0, 125},
      {"baler:config=cms,epochs=25", "libtorch 1.13.1", 1.05, 3.3, 60, 75, 48.0, 640},
      {"baler", "libtorch 1.13.1", 1.04, 3.2, 62, 77, 21.0, 610},
  };
  return all;
}

constexpr double raw_bytes = 30000.0 * 24 * 4;

EnergyFigure energy(double joules, const std::string& share, const std::string& rule, const std::string& run_id,
                    bool known) {
  EnergyFigure e;
  e.sensor = "estimate";
  e.boundary = "wall";
  e.share = share;
  e.rule = rule;
  e.tier = "VM";
  e.known = known;
  if (!known) {
    e.joules = Figure::exact(0.0, "J");
    e.note = "no sensor is readable and /proc/stat does not move";
    return e;
  }
  e.note = "estimated from CPU time";
  e.joules = Figure::from_components(joules, "J",
                                     {{"model", 'B', 0.55, 0.0, {CorrelationKind::Model, "VM"}},
                                      {"attribution", 'B', 0.04, 0.0, {CorrelationKind::Run, run_id}}});
  return e;
}

Histogram histogram(int bins, double low, double high, double centre, double width, double n) {
  Histogram h;
  h.low = low;
  h.high = high;
  for (int i = 0; i < bins; ++i) {
    const double x = (low + (high - low) * (i + 0.5) / bins - centre) / width;
    h.counts.push_back(std::floor(n / bins * 3.0 * std::exp(-0.5 * x * x)));
  }
  h.outside = 3;
  return h;
}

ColumnFidelity fidelity(int column, const std::string& bound, double scatter, const FixtureOptions& o) {
  static const std::vector<std::string> names = {"pt",
                                                 "eta",
                                                 "phi",
                                                 "mass",
                                                 "charge",
                                                 "nConstituents",
                                                 "tau1",
                                                 "tau2",
                                                 "btagCSVV2",
                                                 "chHadMultiplicity",
                                                 "energyFraction",
                                                 "area"};
  ColumnFidelity c;
  const auto k = static_cast<std::size_t>(column);
  c.name = k < names.size() ? names[k] : fmt::format("feature_{:03}", column);
  if (o.hostile_names) c.name = fmt::format("{} {}", hostile_text, column);
  c.dtype = column == 4 || column == 5 ? "int32" : "float32";
  c.minimum = column % 3 == 0 ? 0.0 : -3.2;
  c.maximum = column % 3 == 0 ? 812.5 * (column + 1) : 3.2;
  const double range = c.maximum - c.minimum;
  const bool whole = column == 4 || column == 5;
  double error = 0.0;
  if (bound == "none") {
    c.bound = "none";
    error = range * 0.031 * scatter * (1 + column % 5);
    c.exact_share = 0.0;
  } else if (bound == "lossless" || whole) {
    c.bound = "lossless";
  } else {
    c.epsilon = 1e-3 * range;
    c.bound = fmt::format("abs {:.6g}", c.epsilon);
    error = c.epsilon * std::min(0.9999, scatter);
    c.exact_share = 0.02;
  }
  c.max_abs_error = error;
  c.max_rel_error = error > 0 ? 0.8 : 0.0;
  c.rms_error = error / 1.7;
  c.compressed_B = static_cast<std::uint64_t>(raw_bytes / 24 / 3);
  const double centre = c.minimum + range * 0.35;
  c.original = histogram(o.bins, c.minimum, c.maximum, centre, range * 0.15, 30000);
  c.decoded =
      histogram(o.bins, c.minimum, c.maximum, centre + 0.3 * error, range * (bound == "none" ? 0.13 : 0.15), 30000);
  if (error > 0) c.error = histogram(o.bins, -error, error, bound == "none" ? 0.2 * error : 0.0, error * 0.6, 30000);
  return c;
}

void add_phases(RunRecord& run, const Profile& p, Random& r, const FixtureOptions& o) {
  const double raw_MB = raw_bytes / 1e6;
  struct Phase {
    std::string name;
    double wall_s, cores;
  };
  std::vector<Phase> phases = {{"read", 0.012, 0.9}, {"prepare", 0.3 * raw_MB / p.in_MBps + 0.002, 1.0}};
  if (p.train_s > 0) phases.push_back({"train", p.train_s * jitter(r, 0.04), 1.7});
  phases.push_back({"encode", 0.7 * raw_MB / p.in_MBps, 1.8});
  phases.push_back({"write", 0.004, 0.4});
  phases.push_back({"read-back", 0.003, 0.5});
  phases.push_back({"decode", raw_MB / p.out_MBps, 1.6});
  phases.push_back({"verify", 0.02, 1.9});
  phases.push_back({"other", 0.006, 0.8});
  double t = 0.0, joules = 0.0;
  for (Phase& phase : phases) {
    phase.wall_s *= jitter(r, 0.06);
    PhaseRecord record;
    record.name = phase.name;
    record.wall_s = phase.wall_s;
    record.cpu_s = phase.wall_s * phase.cores;
    const double attributed = record.cpu_s * 3.3 + phase.wall_s * 1.6;
    record.energy = {energy(record.cpu_s * 3.3, "phase", "marginal", run.id, o.energy),
                     energy(attributed, "phase", "attributed", run.id, o.energy)};
    joules += attributed;
    if (phase.name != "other") {
      // Chunks stream: the phase comes in two stretches on two threads that overlap with the next.
      run.spans.push_back({phase.name, 1, t, t + 0.6 * phase.wall_s});
      run.spans.push_back({phase.name, 2, t + 0.3 * phase.wall_s, t + 1.05 * phase.wall_s});
    }
    t += phase.wall_s;
    run.cpu_s += record.cpu_s;
    run.phases.push_back(std::move(record));
  }
  run.wall_s = t;
  run.energy = {energy(run.cpu_s * 3.3, "process-tree", "marginal", run.id, o.energy),
                energy(joules, "process-tree", "attributed", run.id, o.energy),
                energy(run.wall_s * 12.0, "machine", "", run.id, o.energy)};
  const int n = std::clamp(static_cast<int>(t / 0.1), 2, o.samples);
  double cpu_s = 0.0;
  for (int i = 0; i <= n; ++i) {
    const double at = t * i / n;
    double cores = 0.3, begin = 0.0;
    for (const Phase& phase : phases) {
      if (at >= begin && at <= begin + phase.wall_s) cores = phase.cores;
      begin += phase.wall_s;
    }
    cpu_s += i > 0 ? cores * jitter(r, 0.1) * t / n : 0.0;
    const double memory_MB = 38.0 + (p.memory_MB - 38.0) * (1.0 - std::exp(-6.0 * at / t)) * jitter(r, 0.02);
    run.samples.push_back({at, static_cast<std::uint64_t>(memory_MB * 1e6), cpu_s, 0, 0});
  }
  if (!o.energy) return;
  for (const char* rule : {"marginal", "attributed"}) {
    PowerSeries power;
    power.sensor = "estimate";
    power.boundary = "wall";
    power.tier = "VM";
    power.share = "process-tree";
    power.rule = rule;
    for (const SampleRecord& s : run.samples) power.t_s.push_back(s.t_s);
    for (std::size_t i = 0; i + 1 < run.samples.size(); ++i)
      power.watts.push_back(3.3 * (run.samples[i + 1].cpu_s - run.samples[i].cpu_s) * n / t +
                            (rule[0] == 'a' ? 1.4 : 0));
    run.power.push_back(power);
  }
}

RunRecord make_run(const Profile& p, const std::string& bound, int repeat, Random& r, const FixtureOptions& o) {
  RunRecord run;
  run.id = fmt::format("{}-{}-{}", p.name, bound, repeat);
  run.method = p.name;
  run.method_version = o.hostile_names ? hostile_text : p.version;
  run.bound = bound;
  run.label = p.name + ", " + bound;
  run.data = o.hostile_names ? hostile_text : "examples/jets.npz";
  run.data_xxh3 = "0f1e2d3c4b5a6978";
  run.threads = 2;
  run.repeat = repeat;
  run.started = "2024-05-17T09:12:00Z";
  run.rows = 30000;
  run.columns = static_cast<std::uint64_t>(o.columns);
  run.raw_B = static_cast<std::uint64_t>(raw_bytes);
  const double factor = bound == "lossless" ? p.factor : bound == "none" ? 1.6 : p.lossy_factor;
  if (factor == 0.0) {
    run.status = "failed";
    run.reason = o.hostile_names ? hostile_text : "hdf5:sz3 has no lossless mode: give a bound abs, range or rel";
    return run;
  }
  run.compressed_B = static_cast<std::uint64_t>(raw_bytes / factor);
  run.rss_start_B = 38'000'000;
  run.rss_peak_B = static_cast<std::uint64_t>(p.memory_MB * 1e6 * jitter(r, 0.02));
  run.read_B = run.raw_B;
  run.written_B = run.compressed_B;
  run.sampler_cpu_s = 0.002;
  if (p.train_s > 0) {
    run.model_B = 214'000;
    run.counts = {{"parameters", 53'000}, {"epochs", 25}, {"macs_encode_per_row", 52'000}};
  }
  add_phases(run, p, r, o);
  for (int c = 0; c < o.columns; ++c) run.fidelity.push_back(fidelity(c, bound, uniform(r, 0.4, 1.0), o));
  if (p.train_s > 0)
    run.warnings.emplace_back(
        "the reference BLAS is in use: training takes about four times as long; install libopenblas0");
  return run;
}

}  // namespace

StudyRecord make_study(const FixtureOptions& o) {
  Random random(20240517);
  StudyRecord study;
  study.title = o.hostile_names ? hostile_text : "jets.npz";
  study.command = o.hostile_names ? hostile_text : "haywatt study examples/jets.npz --repeats 6 --threads 2";
  study.plan_toml =
      "data = \"examples/jets.npz\"\nmethods = [\"zstd\", \"zstd:level=19\", \"lz4\", \"zfp\", \"baler\"]\n"
      "bounds = [\"lossless\", \"range:1e-3\"]\nthreads = 2\nrepeats = 6\n";
  study.started = "2024-05-17T09:12:00Z";
  study.finished = "2024-05-17T09:19:41Z";
  study.haywatt_version = "0.1.0";
  Machine& m = study.machine;
  m.id = "9c1e77aa02";
  m.cpu_name = "AMD EPYC 7B13";
  m.cpu_vendor = "AuthenticAMD";
  m.cpu_family = 25;
  m.cpu_model = 1;
  m.micro_architecture = "Zen 3";
  m.logical_cpus = 8;
  m.physical_cores = 4;
  m.sockets = 1;
  m.cpu_quota = 2.0;
  m.memory_B = 33'500'000'000;
  m.virtual_machine = true;
  m.hypervisor = "KVM";
  m.kernel = "Linux 6.1.0-18-amd64";
  m.distribution = o.hostile_names ? hostile_text : "Debian GNU/Linux 12 (bookworm)";
  m.libraries = {{"zstd", "1.5.4"},  {"lz4", "1.9.4"},       {"zfp", "1.0.0"},
                 {"hdf5", "1.10.8"}, {"libtorch", "1.13.1"}, {"blas", "reference BLAS 3.11.0"}};
  std::vector<Profile> methods = profiles();
  for (int i = 0; i < o.extra_methods; ++i) {
    Profile p = methods.at(static_cast<std::size_t>(i) % 10);
    p.name = fmt::format("hdf5:plugin-{:02}", i);
    p.lossy_factor = 2.0 + 0.1 * i;
    methods.push_back(p);
  }
  for (int repeat = 0; repeat < o.repeats; ++repeat) {
    for (const Profile& p : methods) {
      const bool learned = p.train_s > 0;
      if (!learned) study.runs.push_back(make_run(p, "lossless", repeat, random, o));
      study.runs.push_back(make_run(p, "range:1e-3", repeat, random, o));
      if (learned && o.baler_lossy) study.runs.push_back(make_run(p, "none", repeat, random, o));
    }
  }
  return study;
}

}  // namespace haywatt::test
