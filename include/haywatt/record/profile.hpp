/// The record of a profile: which operator, layer and line of code costs what. JSON: schema "haywatt-profile/1",
/// docs/profile.md. Times in seconds, memory in bytes. Plain data.
#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "haywatt/record/figure.hpp"
#include "haywatt/record/machine.hpp"
#include "haywatt/record/record.hpp"

namespace haywatt {

/// All calls of one operator in one layer and phase. Times are the operator's own: what it calls is not in them.
struct OperatorRecord {
  std::string phase;  ///< "train", "encode", …; "other" outside of all
  std::string layer;  ///< "encoder.0"; empty if it belongs to none
  std::string name;   ///< "dense f32", "aten::addmm"
  std::string dtype;  ///< "f64", "f32", "bf16", "int8"; empty if unknown
  std::uint64_t calls = 0;
  double wall_s = 0.0;  ///< summed over threads; negative: not known
  double cpu_s = 0.0;
  double device_s = 0.0;                                              ///< on an accelerator; 0 on the CPU
  double macs = -1.0, flops = -1.0, read_B = -1.0, written_B = -1.0;  ///< summed over calls; negative: not known
  double parameters = -1.0;                                           ///< of one call; negative: not known
  double allocated_B = 0.0;                                           ///< summed over calls
  std::vector<EnergyFigure> energy;                                   ///< share "phase", both rules
};

/// Fastest arithmetic seen here, all `threads` together.
struct ComputePeak {
  std::string dtype;
  int threads = 1;
  double flops_per_s = 0.0;
};

/// Fastest reading of memory that fits `size_B`, all `threads` together.
struct MemoryPeak {
  std::string level;  ///< "L1", "L2", "L3", "DRAM"
  int threads = 1;
  double size_B = 0.0;
  double bytes_per_s = 0.0;
};

/// One operator call or phase for drawing. Seconds since the start of the run.
struct TimelineEvent {
  std::uint64_t thread = 0;
  std::uint32_t op = 0;  ///< index into ProfileRecord::operators
  double start_s = 0.0, end_s = 0.0;
};

/// A place in code.
struct FrameRecord {
  std::string function;  ///< demangled; "[unknown]" with the module if there are no symbols
  std::string module;    ///< file name of the program or library; "python" for Python frames, "kernel"
  std::string file;      ///< source file, if known
  int line = 0;          ///< 0 if not known
};

/// A node of the call tree: the path from the root is a stack. Parents come before their children.
struct StackNode {
  std::int32_t parent = -1;   ///< index of the caller's node; -1: a root
  std::uint32_t frame = 0;    ///< index into StackProfile::frames
  std::uint64_t samples = 0;  ///< of which this node was the innermost
  double self_s = 0.0;        ///< what they stand for: seconds of StackProfile::clock
};

/// What sampling saw.
struct StackProfile {
  std::string by;         ///< "perf_event software clock", "ptrace", "py-spy"
  std::string clock;      ///< what a sample is: "cpu" (taken while on a CPU) or "wall"
  double period_s = 0.0;  ///< what one sample stands for, or on average should
  std::uint64_t samples = 0, lost = 0;
  std::vector<FrameRecord> frames;
  std::vector<StackNode> nodes;  ///< at most 50,000; what is beyond is added to the parents
};

struct ProfileRecord {
  std::string subject;  ///< "baler on jets.npz", or the command line
  std::string by;       ///< "operators" or "sampling"
  RunRecord run;        ///< the whole run, metered: totals, phases, energy
  Machine machine;
  std::string haywatt_version;
  std::vector<OperatorRecord> operators;
  std::vector<TimelineEvent> timeline;  ///< at most 20,000, the longest
  std::uint64_t timeline_left_out = 0;
  std::vector<ComputePeak> compute_peaks;
  std::vector<MemoryPeak> memory_peaks;
  StackProfile stacks;           ///< empty unless sampled
  double profiler_cpu_s = -1.0;  ///< CPU seconds of profiling itself, within the run's; negative: not known
  std::vector<std::string> notes;
};

void to_json(nlohmann::json& j, const ProfileRecord& r);
void from_json(const nlohmann::json& j, ProfileRecord& r);

}  // namespace haywatt
