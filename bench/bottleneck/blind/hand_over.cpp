// A reader hands events to an analyser through a slot that holds one: both wait for each other at every event.
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <thread>

namespace {
constexpr std::uint32_t kEvents = 100'000;

class Slot {
 public:
  void put(std::uint32_t event) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !full_; });
    event_ = event;
    full_ = true;
    changed_.notify_one();
  }
  std::uint32_t take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return full_; });
    full_ = false;
    changed_.notify_one();
    return event_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint32_t event_ = 0;
  bool full_ = false;
};

std::uint32_t scramble(std::uint32_t v) {
  for (int i = 0; i < 100; ++i) v = v * 1664525u + 1013904223u;
  return v;
}
}  // namespace

int main() {
  Slot slot;
  std::thread reader([&] {
    for (std::uint32_t event = 0; event < kEvents; ++event) slot.put(scramble(event));
  });
  std::uint32_t sum = 0;
  for (std::uint32_t event = 0; event < kEvents; ++event) sum += scramble(slot.take());
  reader.join();
  std::printf("%u\n", sum);
}
