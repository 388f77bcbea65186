/// From what treatments did to a program to what it is bound by. Pure functions; the rules in words are in
/// docs/bottleneck.md, and this file is their only source.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "haywatt/record/bottleneck.hpp"

namespace haywatt::experiment {

inline constexpr const char* span_seen = "span ";       ///< in front of a phase's name in BottleneckRun::seen
inline constexpr const char* span_treatment = "span ";  ///< and in a treatment's name

/// Share of a run that its neighbour must have had its CPU for, or another program came between and the run is not
/// used.
inline constexpr double undisturbed = 0.9;

/// What the rules look at. NaN: the treatment was not made.
struct BottleneckSignals {
  double wall_s = 0.0, cpu_s = 0.0;  ///< plain
  double busy = 0.0;                 ///< CPU seconds for each second, plain
  double at_once = 1.0;              ///< threads and processes seen alive at once
  double switches_per_s = 0.0;       ///< voluntary ones
  double one_cpu;                    ///< wall, one CPU / plain
  double one_cpu_cpu;                ///< CPU seconds, one CPU / plain
  double memory;                     ///< CPU seconds, beside stream / beside compute
  double slowed;                     ///< share of its rate that the streaming neighbour lost to the program
  double huge;                       ///< user seconds, huge pages / plain
  double quota;                      ///< d ln T / d ln (1 / CPU)
  double storage;                    ///< d ln T / d ln (cost of storage)
  double bytecode;                   ///< share of the main thread's time within 2 µs of a bytecode
  double bytecode_delay;             ///< wall, bytecodes slowed / not slowed
};

/// How kernels that are known answer to the same neighbours on this machine.
struct BottleneckReferences {
  double stream_memory = 1.3, stream_slowed = 0.3, chase_memory = 1.3;
};

/// Of the runs in `blocks` (a block may be named more than once): medians over blocks of ratios within blocks. For
/// memory the ratio of the least CPU times: what comes between only ever adds to them.
[[nodiscard]] BottleneckSignals signals_of(const BottleneckRecord& record, const std::vector<int>& blocks);
[[nodiscard]] BottleneckReferences references_of(const std::map<std::string, double>& seen);

/// Shares of the wall time that hang on each cause, as far as they are known, 0 to about 1.
struct BottleneckShares {
  double storage = 0.0, interpreter = 0.0, memory = 0.0, waiting = 0.0;
  double pressure = 0.0;  ///< of the bytes a second that a stream takes from a streaming neighbour, the part it takes
};
[[nodiscard]] BottleneckShares shares_of(const BottleneckSignals& s, const BottleneckReferences& r);

/// Several threads or processes were seen alive, or more CPU time was used than one has: some live too short to be
/// seen.
[[nodiscard]] bool runs_at_once(const BottleneckSignals& s);

[[nodiscard]] std::string verdict_of(const BottleneckSignals& s, const BottleneckReferences& r, int cpus);

}  // namespace haywatt::experiment
