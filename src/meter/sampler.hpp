/// A thread that looks at the process every so often.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "haywatt/record/record.hpp"
#include "meter/process_files.hpp"

namespace haywatt::meter {

/// Samples memory, CPU time and I/O; keeps at most 2,000 samples (then every second one, and so on) but the peak of
/// all.
class Sampler {
 public:
  /// `each_time` is called on the sampler's thread with every sample, `slowly` about once a second; of
  /// exceptions only std::bad_alloc may leave them, it counts as missed.
  Sampler(int interval_ms, std::int64_t start_ns, IoCounts io_at_start, std::int64_t cpu_at_start_ns,
          std::function<void()> each_time, std::function<void()> slowly);
  ~Sampler();
  Sampler(const Sampler&) = delete;
  Sampler& operator=(const Sampler&) = delete;
  /// One last sample; the thread has ended when it returns. Then the members below may be called.
  void stop();
  [[nodiscard]] std::vector<SampleRecord> samples() { return std::move(samples_); }
  [[nodiscard]] std::uint64_t peak_B() const { return peak_B_; }
  [[nodiscard]] std::uint64_t missed() const { return missed_; }
  [[nodiscard]] double cpu_s() const { return static_cast<double>(own_cpu_ns_) * 1e-9; }

 private:
  void work();
  void sample();
  void keep(const SampleRecord& s);
  std::chrono::milliseconds interval_;
  std::int64_t start_ns_;
  IoCounts io_at_start_;
  std::int64_t cpu_at_start_ns_;
  std::function<void()> each_time_, slowly_;
  ProcFile statm_{"/proc/self/statm"}, io_{"/proc/self/io"};
  std::vector<SampleRecord> samples_;
  std::uint64_t stride_ = 1, taken_ = 0, peak_B_ = 0, missed_ = 0;
  std::int64_t own_cpu_ns_ = 0;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace haywatt::meter
