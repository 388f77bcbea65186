/// The system call behind perf's counters, so that tests can put their own in its place.
#pragma once
#include <cstdint>

namespace haywatt::meter {

class PerfInterface {
 public:
  virtual ~PerfInterface() = default;
  /// A counter of the whole CPU `cpu`, running. Its handle (0 or more), or minus errno.
  [[nodiscard]] virtual int open(std::uint32_t type, std::uint64_t config, int cpu) noexcept = 0;
  /// 0, or errno.
  [[nodiscard]] virtual int read(int handle, std::uint64_t& count) noexcept = 0;
  virtual void close(int handle) noexcept = 0;
};

/// perf_event_open(2). It has no state.
[[nodiscard]] PerfInterface& system_perf() noexcept;

}  // namespace haywatt::meter
