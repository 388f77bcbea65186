/// Neighbours: processes of ours that run beside a program on another CPU (or on its own) and take something from it.
///
/// The streaming one takes memory bandwidth, as in the Bandwidth Bandit (Eklöv et al., ISPASS 2012) and Bubble-Up (Mars
/// et al., MICRO 2011); the computing one takes the same CPU time and no memory, and is the control. Each counts its
/// own work, so that it also tells how much the program takes from *it*.
#pragma once
#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>

namespace haywatt::experiment {

enum class Neighbour : int {
  Compute = 0,  ///< a chain of multiplications in a register
  Stream = 1,   ///< reads 128 MB again and again, one load a cache line; work in bytes
  Chase = 2,    ///< dependent loads in random order over 64 MB; work in loads
};

/// What one neighbour has done so far. CPU time, so that being taken off its CPU does not count.
struct NeighbourWork {
  double work = 0.0, cpu_s = 0.0;
};

/// Work for each CPU second between two readings; NaN if it did not run.
[[nodiscard]] double work_rate(const NeighbourWork& before, const NeighbourWork& after);

namespace detail {
struct NeighbourCounters {
  std::atomic<std::uint64_t> work, cpu_ns;
};
}  // namespace detail

/// Neighbours are not children of the process that uses this class, which would take them for children of the program
/// that it meters, but of its parent.
class Neighbours {
 public:
  static constexpr int places = 2;
  /// Starts one in `place` (0 or 1) pinned to `cpu` and waits until it works. Error(System) if it cannot.
  void start(int place, Neighbour kind, int cpu);
  void stop(int place);
  [[nodiscard]] NeighbourWork seen(int place) const;

 private:
  friend int with_neighbours(const std::function<int(Neighbours&)>& body);
  Neighbours(int channel, const detail::NeighbourCounters* counters) : channel_(channel), counters_(counters) {}
  void ask(char verb, int place, int kind, int cpu);
  int channel_;
  const detail::NeighbourCounters* counters_;
};

/// Runs `body` in a child process, while the caller's process keeps its neighbours and then ends with the same result.
/// Whoever dies, and however (SIGKILL too), neighbours and child die with it. SIGINT, SIGTERM and SIGHUP reach the
/// child alone. Call it with one thread. In the parent the result is the child's exit code (128 + N for signal N).
[[nodiscard]] int with_neighbours(const std::function<int(Neighbours&)>& body);

}  // namespace haywatt::experiment
