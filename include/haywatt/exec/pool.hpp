/// The one place that starts threads for work, and knows how many CPUs this process may use.
#pragma once
#include <cstdint>
#include <functional>

namespace haywatt::exec {

/// CPUs allowed by affinity and cgroup quota (v2 cpu.max, v1 cpu.cfs_quota_us), at least 0.01, possibly fractional.
[[nodiscard]] double cpu_quota();
/// Whole threads to use by default: cpu_quota rounded up, at least 1.
[[nodiscard]] int default_threads();

/// Runs produce(i) for i in [0, count) on `threads` threads and consume(i) on the calling thread in order of i. At most
/// `window` items are produced but not consumed. The first exception of either stops everything and is rethrown.
/// With one thread all runs on the caller.
void ordered_pipeline(std::uint64_t count, int threads, std::uint64_t window,
                      const std::function<void(std::uint64_t)>& produce,
                      const std::function<void(std::uint64_t)>& consume);

/// body(i) for i in [0, count) on `threads` threads, any order. The first exception is rethrown.
void parallel_for(std::uint64_t count, int threads, const std::function<void(std::uint64_t)>& body);

}  // namespace haywatt::exec
