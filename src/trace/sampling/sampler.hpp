/// A way to sample a program. Not thread-safe; lives in the process that samples.
#pragma once
#include <poll.h>

#include <memory>
#include <string>
#include <vector>

#include "haywatt/trace/sampling.hpp"
#include "trace/sampling/stack_builder.hpp"

namespace haywatt::trace {

class Sampler {
 public:
  Sampler() = default;
  virtual ~Sampler() = default;
  Sampler(const Sampler&) = delete;
  Sampler& operator=(const Sampler&) = delete;

  /// `parent`: the process whose descendants are sampled, just made.
  virtual void start(pid_t parent) = 0;
  /// Milliseconds until the next step has something to do.
  [[nodiscard]] virtual int wait_ms() const = 0;
  /// Descriptors that become readable before.
  virtual void add_descriptors(std::vector<pollfd>& list) const = 0;
  virtual void step() = 0;
  /// After the last step, once.
  virtual void finish(Sampled& result) = 0;
};

/// nullptr and a reason if the kernel does not permit it. What is opened here belongs to children made from now on.
[[nodiscard]] std::unique_ptr<Sampler> make_perf_sampler(const SamplingOptions& options, std::string& reason);

[[nodiscard]] std::unique_ptr<Sampler> make_ptrace_sampler(const SamplingOptions& options, std::string& reason);

}  // namespace haywatt::trace
