#include "haywatt/exec/pool.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

namespace haywatt::exec {
namespace {

/// What the producing threads and the consumer agree on.
class Ordered {
 public:
  Ordered(std::uint64_t count, std::uint64_t window) : count_(count), window_(std::max<std::uint64_t>(1, window)) {}

  /// The next index to produce, or `count` when there is none left.
  std::uint64_t claim() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return error_ || next_ >= count_ || next_ < consumed_ + window_; });
    return error_ ? count_ : std::min(count_, next_++);
  }
  void produced(std::uint64_t i) {
    const std::lock_guard lock(mutex_);
    ready_.insert(i);
    changed_.notify_all();
  }
  void failed(std::exception_ptr error) {
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = std::move(error);
    changed_.notify_all();
  }
  /// Waits for item i; false if something failed.
  bool wait_for(std::uint64_t i) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return error_ || ready_.contains(i); });
    if (error_) return false;
    ready_.erase(i);
    return true;
  }
  void consumed(std::uint64_t i) {
    const std::lock_guard lock(mutex_);
    consumed_ = i + 1;
    changed_.notify_all();
  }
  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }
  [[nodiscard]] std::uint64_t count() const { return count_; }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::uint64_t> ready_;
  std::exception_ptr error_;
  std::uint64_t count_, window_, next_ = 0, consumed_ = 0;
};

}  // namespace

void ordered_pipeline(std::uint64_t count, int threads, std::uint64_t window,
                      const std::function<void(std::uint64_t)>& produce,
                      const std::function<void(std::uint64_t)>& consume) {
  if (threads <= 1 || count <= 1) {
    for (std::uint64_t i = 0; i < count; ++i) {
      produce(i);
      consume(i);
    }
    return;
  }
  Ordered state(count, window);
  std::vector<std::jthread> workers;
  const auto workers_wanted = std::min<std::uint64_t>(static_cast<std::uint64_t>(threads), count);
  for (std::uint64_t t = 0; t < workers_wanted; ++t)
    workers.emplace_back([&] {
      for (std::uint64_t i = state.claim(); i < count; i = state.claim()) {
        try {
          produce(i);
          state.produced(i);
        } catch (...) {
          state.failed(std::current_exception());
        }
      }
    });
  for (std::uint64_t i = 0; i < count && state.wait_for(i); ++i) {
    try {
      consume(i);
      state.consumed(i);
    } catch (...) {
      state.failed(std::current_exception());
    }
  }
  workers.clear();
  state.rethrow();
}

void parallel_for(std::uint64_t count, int threads, const std::function<void(std::uint64_t)>& body) {
  ordered_pipeline(count, threads, count, body, [](std::uint64_t) {});
}

}  // namespace haywatt::exec
