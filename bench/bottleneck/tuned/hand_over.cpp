// Known answer: synchronisation. Two threads hand a token to and fro under a mutex and a condition; nothing else is
// done.
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <thread>

int main() {
  constexpr int turns = 60'000;
  std::mutex mutex;
  std::condition_variable changed;
  int turn = 0;
  const auto play = [&](int parity) {
    for (int i = 0; i < turns / 2; ++i) {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return turn % 2 == parity; });
      ++turn;
      changed.notify_one();
    }
  };
  std::thread a(play, 0), b(play, 1);
  a.join();
  b.join();
  std::printf("%d turns\n", turn);
  return 0;
}
