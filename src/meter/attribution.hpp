/// Who used the machine's energy: from cumulative joules to parts of this process and its phases.
///
/// For each interval between two slow readings, with t the CPU time of this process, t_all the busy CPU time of the
/// machine and Δ the wall time (formulas: docs/energy.md):
///   marginal   = (E - P_idle Δ) t / t_all
///   attributed = marginal + P_idle Δ (CPUs allotted / CPUs present, where a quota or affinity allots them, else t /
///   t_all)
#pragma once
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "meter/phases.hpp"

namespace haywatt::meter {

/// One reading of clocks (and of the energy counters, which are kept beside it).
struct Reading {
  std::int64_t wall_ns = 0, process_cpu_ns = 0;
  /// Busy CPU seconds of the machine, NaN if not read here: it is dear on machines with many CPUs, so only slow
  /// readings have it. The first and the last reading are slow.
  double machine_busy_s = std::numeric_limits<double>::quiet_NaN();
  bool slow = false;
};

/// readings[0..n), slices[0..n-1): slice i is what the phases used between readings i and i+1.
struct Timeline {
  std::vector<Reading> readings;
  std::vector<Slice> slices;
};

/// An interval between two slow readings.
struct SlowInterval {
  std::size_t first = 0, last = 0;  ///< readings at its ends
  double wall_s = 0.0;
  double process_cpu_s = 0.0;
  double machine_busy_s = 0.0;  ///< at least process_cpu_s; equal to it where the machine's is unknown
  /// t / t_all, 0 if nothing ran.
  [[nodiscard]] double share() const { return machine_busy_s > 0.0 ? process_cpu_s / machine_busy_s : 0.0; }
};
[[nodiscard]] std::vector<SlowInterval> slow_intervals(const Timeline& timeline);
/// What of the slice before reading `i + 1` lies in its slow interval, by wall time: 0..1 (1 for an empty interval).
[[nodiscard]] double part_of(const SlowInterval& interval, const Timeline& timeline, std::size_t slice);

/// Energy that belongs to something, before the idle power is put in.
struct Parts {
  double energy_J = 0.0;  ///< Σ E t/t_all
  double busy_s = 0.0;    ///< Σ Δ t/t_all: seconds of idle power contained in energy_J
  double idle_s = 0.0;    ///< Σ Δ allotted: seconds of idle power that belong to it by the attributed rule
  /// Σ E z(1 - z) and Σ Δ z(1 - z), z its share of the machine's energy: what sharing by CPU time decides. 0 if it was
  /// alone. Negative for what is not ours.
  double mixed_J = 0.0, mixed_s = 0.0;
  double resolution_J = 0.0;  ///< standard uncertainty for the counter's period and step; not added up
  Parts& operator+=(const Parts& o);
  [[nodiscard]] double marginal_J(double idle_W) const { return energy_J - idle_W * busy_s; }
  [[nodiscard]] double attributed_J(double idle_W) const { return marginal_J(idle_W) + idle_W * idle_s; }
};

struct Shares {
  double machine_J = 0.0;
  Parts run;
  std::map<PhaseId, Parts> phases;  ///< add up to `run`
  double wall_s = 0.0;
  std::vector<Parts> steps;  ///< of the run, by slice
  std::vector<double> machine_J_steps;
  std::vector<double> share_steps;  ///< of the machine's energy that is the run's, by slice
  /// The machine without the run: Parts whose sums with `run` are the machine's.
  [[nodiscard]] Parts rest() const;
};

/// `joules[i]`: cumulative at reading i. `allotted`: CPUs allotted over CPUs present, or NaN where nothing allots them.
/// Within an interval, energy goes to phases by their CPU time between two readings, idle time by their wall time.
/// `told[i]`: where the channel itself tells whose activity it was (a GPU), our share of it in the slow interval that
/// ends at reading i; it then replaces t / t_all and what is allotted, and phases share by wall time. Empty: CPU time
/// decides.
[[nodiscard]] Shares share_out(const Timeline& timeline, const std::vector<double>& joules, double allotted,
                               const std::vector<double>& told = {});

/// What each phase had of a slice: {phase, of its energy, of its time}. Energy goes by CPU time (by wall time if there
/// is none, or if `by_wall`), time by wall time. Both sum to 1.
struct SlicePart {
  PhaseId phase = other_phase;
  double of_energy = 1.0, of_time = 1.0;
};
[[nodiscard]] std::vector<SlicePart> slice_parts(const Slice& slice, bool by_wall);

}  // namespace haywatt::meter
