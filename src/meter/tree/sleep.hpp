/// Sleeping until one of the meter's files has something to say, or until a time.
#pragma once
#include <poll.h>

#include <cstdint>
#include <span>

namespace haywatt::meter {

/// Not thread-safe. What is waited for most of the time, signals and marks, stays registered with the kernel from one
/// wait to the next where it can (epoll_pwait2, Linux 5.11): waking is most of what a look costs.
class Sleep {
 public:
  /// The file stays open while this lives.
  explicit Sleep(int signals) : signals_(signals) {}
  ~Sleep();
  Sleep(const Sleep&) = delete;
  Sleep& operator=(const Sleep&) = delete;

  /// Where marks of phases come from: open while this lives. Once.
  void watch_marks(int link);
  /// At most `left_ns`. `marks`: whether they wake; `streams`: what else does, files of -1 do not. True if nothing
  /// came.
  [[nodiscard]] bool wait(std::int64_t left_ns, bool marks, std::span<const pollfd> streams);

 private:
  int signals_, link_ = -1, registered_ = -1;
};

}  // namespace haywatt::meter
