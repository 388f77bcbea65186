/// One CPU's software clock and the buffer that the kernel writes its samples into.
#pragma once
#include <linux/perf_event.h>

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

/// What is sampled, and how a record of it is laid out.
[[nodiscard]] perf_event_attr perf_attributes(const SamplingOptions& options, bool kernel);

class PerfRing {
 public:
  /// Samples what this thread's children run on `cpu` after an exec. error() != 0 if the kernel refuses.
  PerfRing(const perf_event_attr& attributes, int cpu, std::size_t buffer_B);
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
};

/// Where a record says when it happened; 0 if it does not.
[[nodiscard]] std::uint64_t time_of(const PerfRecord& record);

}  // namespace haywatt::trace
