/// Stops a thread for the moment that copying its registers and stack takes (ptrace(2)). Not thread-safe.
#pragma once
#include <sys/types.h>

#include <cstddef>
#include <string>
#include <vector>

#include "trace/sampling/registers.hpp"

namespace haywatt::trace {

class ThreadStops {
 public:
  explicit ThreadStops(std::size_t stack_B) : bytes_(stack_B) {}
  ~ThreadStops();
  ThreadStops(const ThreadStops&) = delete;
  ThreadStops& operator=(const ThreadStops&) = delete;

  enum class Result {
    Copied,
    Gone,     ///< it has ended, or it sleeps where it cannot be stopped
    Refused,  ///< the kernel does not permit it
  };
  /// It is attached for this moment alone, so that nothing hangs on us: what happens to us happens to us.
  [[nodiscard]] Result copy(pid_t pid, pid_t tid, Registers& registers, StackCopy& stack);
  /// Lets go those that could not be stopped in time.
  void release_late();

 private:
  std::vector<std::byte> bytes_;
  std::vector<pid_t> late_;
};

/// Empty if a child of this process may be traced; else why not.
[[nodiscard]] std::string why_no_ptrace();

}  // namespace haywatt::trace
