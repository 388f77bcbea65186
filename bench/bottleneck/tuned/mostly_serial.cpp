// Known answer: serial part. After Amdahl (1967): of the work, 80 % is done by one thread and 20 % shared by two, in
// turn.
#include <cstdint>
#include <cstdio>
#include <thread>

namespace {

std::uint64_t work(long steps, std::uint64_t state) {
  for (long i = 0; i < steps; ++i) state = (state ^ (state >> 29)) * 0xBF58476D1CE4E5B9U + 1;
  return state;
}

}  // namespace

int main() {
  std::uint64_t state = 1;
  for (int round = 0; round < 50; ++round) {
    state = work(8'000'000, state);
    std::uint64_t half = 0;
    std::thread helper([&half, state] { half = work(1'000'000, state + 1); });
    const std::uint64_t other = work(1'000'000, state);
    helper.join();
    state = half ^ other;
  }
  std::printf("%llx\n", static_cast<unsigned long long>(state));
  return 0;
}
