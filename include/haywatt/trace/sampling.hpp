/// Profiles of any program by sampling: what it, and all that it starts, was doing, a hundred times a second.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "haywatt/record/profile.hpp"

namespace haywatt::trace {

struct SamplingOptions {
  enum class By {
    Any,        ///< perf_event, else ptrace
    PerfEvent,  ///< the kernel samples by its software clock while a thread is on a CPU
    Ptrace,     ///< threads that run are stopped for some microseconds and looked at
  } by = By::Any;
  double rate_Hz = 99.0;           ///< samples a second of CPU time, 1 to 1,000
  std::size_t stack_B = 16 << 10;  ///< how much of a stack is copied at each sample, at most 60 KiB
};

/// What the sampler hands over when the program has ended.
struct Sampled {
  StackProfile stacks;
  double sampler_cpu_s = -1.0;  ///< CPU seconds of the sampler; negative: not known
  std::vector<std::string> notes;
};

/// Runs `body` in a child of this process and samples every program that the child starts, with all that descends from
/// it, from its exec on. `body` is given a function that ends the sampling and returns what was seen; if the sampler
/// has failed meanwhile, the result holds a note and no stacks. Signals that this process has blocked are passed on to
/// the child. Returns what `body` returned (0 to 255). Error(Unavailable) before anything is started if the machine
/// permits no sampling; Error(System) if no process can be made or the child was killed. Call it from a process with
/// one thread and without children.
[[nodiscard]] int sample_beside(const SamplingOptions& options,
                                const std::function<int(const std::function<Sampled()>& finish)>& body);

}  // namespace haywatt::trace
