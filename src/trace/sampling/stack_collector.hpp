/// What all samplers do with the stacks they see. Not thread-safe.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "haywatt/trace/sampling.hpp"
#include "trace/sampling/code_files.hpp"
#include "trace/sampling/processes.hpp"
#include "trace/sampling/python_spy.hpp"
#include "trace/sampling/stack_builder.hpp"
#include "trace/sampling/unwinder.hpp"

namespace haywatt::trace {

class StackCollector {
 public:
  explicit StackCollector(const SamplingOptions& options) : unwinder_(files_, builder_), python_(options.rate_Hz) {}

  [[nodiscard]] std::uint32_t frame(const FrameRecord& f) { return builder_.frame(f); }
  /// Appends the functions that were active, the innermost first; see Unwinder::walk.
  bool walk(pid_t pid, AddressSpace& space, const Registers& registers, const StackCopy& stack,
            std::vector<std::uint32_t>& frames) {
    return unwinder_.walk(pid, space, registers, stack, frames);
  }
  /// One sample of a process: `frames` from the innermost, `whole` if the outermost was reached.
  void add(pid_t pid, const std::string& name, bool python, std::vector<std::uint32_t>& frames, bool whole,
           double seconds);
  /// Time of a process whose stack was not seen, and why not, as a name in brackets.
  void add_without_stack(const std::string& name, const char* why, std::uint64_t samples, double seconds);
  /// Puts Python's functions in and completes the profile.
  void finish(Sampled& result);

 private:
  CodeFiles files_;
  StackBuilder builder_;
  Unwinder unwinder_;
  PythonSpy python_;
  std::uint64_t broken_ = 0;
};

/// Replaces the stacks of processes that py-spy has seen by its own, which share out the same time. Roots named
/// "name\nPID" are interpreters; the number goes in any case.
[[nodiscard]] StackProfile with_python(const StackProfile& stacks,
                                       const std::map<pid_t, std::vector<PythonStack>>& python);

}  // namespace haywatt::trace
