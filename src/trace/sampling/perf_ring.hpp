/// One CPU's software clock and the buffer that the kernel writes its samples into.
#pragma once
#include <linux/perf_event.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "haywatt/trace/sampling.hpp"

namespace haywatt::trace {

/// A record as the kernel wrote it, header included.
struct PerfRecord {
  std::uint64_t time_ns = 0;  ///< CLOCK_MONOTONIC
  std::vector<std::byte> bytes;
  [[nodiscard]] const perf_event_header& header() const {
    return *reinterpret_cast<const perf_event_header*>(bytes.data());
  }
};

/// What is sampled. A clock that belongs to tasks is the only one for everybody, but it starts anew with every process:
/// what is shorter than a period is not seen, nor a shell that forks for everything it does, since the kernel lets
/// parent and child trade their clocks when it switches from one to the other (kernel/events/core.c,
/// perf_event_context_sched_out).
enum class PerfScope {
  Machine,   ///< every task on every CPU, user and kernel code; whoever reads picks out
  Tasks,     ///< this thread's children after their exec, user and kernel code
  UserCode,  ///< of those, their own code only
};

[[nodiscard]] perf_event_attr perf_attributes(const SamplingOptions& options, PerfScope scope);

class PerfRing {
 public:
  /// Begins at once. error() != 0 if the kernel refuses.
  PerfRing(const perf_event_attr& attributes, PerfScope scope, int cpu, std::size_t buffer_B);
  ~PerfRing();
  PerfRing(const PerfRing&) = delete;
  PerfRing& operator=(const PerfRing&) = delete;
  [[nodiscard]] int error() const { return error_; }
  [[nodiscard]] int fd() const { return fd_; }
  /// Moves all that was written to the end of `out`.
  void take(std::vector<PerfRecord>& out);

 private:
  int fd_ = -1, error_ = 0;
  std::byte* map_ = nullptr;
  std::size_t buffer_B_ = 0;
  pid_t owner_ = -1;
};

/// Where a record says when it happened; 0 if it does not.
[[nodiscard]] std::uint64_t time_of(const PerfRecord& record);

}  // namespace haywatt::trace
