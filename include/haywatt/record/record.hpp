/// Records: what a measurement is. One RunRecord is one run of one method on one table under one bound.
/// All times in seconds, memory in bytes. Plain data; JSON forms are documented in docs/records.md (schema
/// "haywatt-record/1").
#pragma once
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "haywatt/record/figure.hpp"
#include "haywatt/record/machine.hpp"

namespace haywatt {

/// A stretch of time in which a phase was active on some thread; for drawing. Seconds since the start of the run.
struct SpanRecord {
  std::string phase;
  std::uint64_t thread = 0;
  double start_s = 0.0, end_s = 0.0;
};

/// A phase's share of the run. The phases of a run (with "other") add up to its totals.
struct PhaseRecord {
  std::string name;  ///< "read", "prepare", "train", "encode", "write", "read-back", "decode", "verify", "other"
  double wall_s = 0.0;
  double cpu_s = 0.0;
  std::vector<EnergyFigure> energy;  ///< share "phase", both rules
};

/// What the sampler saw at one moment.
struct SampleRecord {
  double t_s = 0.0;
  std::uint64_t rss_B = 0;
  double cpu_s = 0.0;  ///< CPU seconds used so far by the process
  std::uint64_t read_B = 0, written_B = 0;
  std::uint64_t processes = 0, threads = 0;  ///< alive; 0 where not counted
};

/// Power over time of one energy figure: watts[i] is the mean from t_s[i] to t_s[i+1], so t_s has one entry more than
/// watts (both are empty if nothing is known). Seconds since the start of the run; at most 2,000 stretches.
struct PowerSeries {
  std::string sensor, boundary, tier;
  std::string share;  ///< "machine" or "process-tree"
  std::string rule;   ///< "marginal", "attributed"; empty for share "machine"
  std::vector<double> t_s, watts;
};

/// One process of a metered tree.
struct ProcessRecord {
  std::int64_t pid = 0, parent = 0;
  std::string name;                   ///< as the kernel keeps it: at most 15 bytes
  double start_s = 0.0, end_s = 0.0;  ///< since the start of the run, as seen by the sampler
  double cpu_s = 0.0;                 ///< of the process alone, without its children
  std::uint64_t rss_peak_B = 0;
};

/// What is known of a metered program beside its figures.
struct TreeRecord {
  std::vector<std::string> command;
  int exit_code = 0;       ///< as a shell gives it: 128 + N for a signal
  int signal = 0;          ///< that ended it, or 0
  std::string counted_by;  ///< where its CPU seconds come from: "cgroup v2", "cgroup v1", "process clocks and waits"
  double user_s = 0.0, system_s = 0.0;
  double steal_s = 0.0;          ///< CPU seconds that a hypervisor took from this machine meanwhile
  double start_up_s = 0.0;       ///< from the meter's start to the program's
  std::uint64_t pss_peak_B = 0;  ///< largest sum of proportional memory seen; 0 unknown
  std::uint64_t processes_seen = 0, threads_peak = 0;
  std::uint64_t voluntary_switches = 0, involuntary_switches = 0, major_faults = 0;
  std::vector<ProcessRecord> processes;  ///< at most the 200 that used the most CPU time, in order of start
};

/// A histogram whose counts belong to equal bins between low and high. Values outside or not finite are in `outside`.
struct Histogram {
  double low = 0.0, high = 0.0;
  std::vector<double> counts;
  double outside = 0.0;
};

/// What a method did to one column.
struct ColumnFidelity {
  std::string name, dtype;
  std::string bound;     ///< as resolved: "lossless", "abs 0.0123", "rel 0.001", "bits 10", "none"
  double epsilon = 0.0;  ///< the number in it, 0 for lossless and none
  double minimum = 0.0, maximum = 0.0;
  double max_abs_error = 0.0;
  double max_rel_error = 0.0;
  double rms_error = 0.0;
  double exact_share = 1.0;            ///< bit-identical values
  std::uint64_t violations = 0;        ///< values outside the bound (0 or the run failed)
  std::uint64_t compressed_B = 0;      ///< bytes of the column's own streams
  Histogram original, decoded, error;  ///< original and decoded share low and high; empty unless asked for
};

struct RunRecord {
  std::string id;      ///< unique
  std::string label;   ///< what a person calls it: "zstd:level=19, range:1e-3"
  std::string method;  ///< canonical MethodSpec text; empty for other programs
  std::string method_version;
  std::string bound;  ///< canonical text of the bound rules: "lossless", "range:1e-3"
  std::string data;   ///< path as given
  std::string data_xxh3;
  int threads = 1;
  int repeat = 0;             ///< 0, 1, …
  std::string started;        ///< ISO 8601, UTC
  std::string status = "ok";  ///< "ok" or "failed"
  std::string reason;         ///< when failed: one line

  std::uint64_t rows = 0, columns = 0;
  std::uint64_t raw_B = 0;         ///< bytes of the values in memory
  std::uint64_t compressed_B = 0;  ///< bytes of the file
  std::uint64_t model_B = 0;       ///< of it, the model

  double wall_s = 0.0, cpu_s = 0.0;
  std::uint64_t rss_peak_B = 0, rss_start_B = 0;  ///< delta = peak - start
  std::uint64_t read_B = 0, written_B = 0;        ///< from /proc/self/io
  double sampler_cpu_s = 0.0;                     ///< cost of metering
  std::map<std::string, double> counts;           ///< MACs, parameters, epochs, …: see docs/records.md
  std::vector<EnergyFigure> energy;               ///< of the whole run: both rules, and share "machine"
  std::vector<PhaseRecord> phases;
  std::vector<SpanRecord> spans;      ///< merged per phase and thread, at most 2,000
  std::vector<SampleRecord> samples;  ///< at most 2,000
  std::vector<PowerSeries> power;
  std::optional<TreeRecord> tree;  ///< of a metered program (haywatt meter), not of a run of a study
  std::vector<ColumnFidelity> fidelity;
  std::vector<std::string> warnings;

  [[nodiscard]] const PhaseRecord* phase(const std::string& name) const;
};

/// A study: many runs on one machine.
struct StudyRecord {
  std::string title;
  std::string command;    ///< how to repeat it
  std::string plan_toml;  ///< the plan as it ran
  std::string started, finished;
  std::string haywatt_version;
  Machine machine;
  std::vector<RunRecord> runs;
};

/// What `haywatt meter -o` writes. As JSON it is the run with the members `machine` and `haywatt_version` added, so
/// whatever reads a run reads it.
struct ProgramRecord {
  RunRecord run;
  Machine machine;
  std::string haywatt_version;
};

void to_json(nlohmann::json& j, const RunRecord& r);
void from_json(const nlohmann::json& j, RunRecord& r);
void to_json(nlohmann::json& j, const StudyRecord& r);
void from_json(const nlohmann::json& j, StudyRecord& r);
void to_json(nlohmann::json& j, const ProgramRecord& r);
void from_json(const nlohmann::json& j, ProgramRecord& r);

}  // namespace haywatt
