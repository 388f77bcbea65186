// Known answer: memory latency. One cycle through 128 MB in random order: each load's address is the load before it, so
// no two can be under way at once, and no prefetcher can guess.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <numeric>
#include <utility>
#include <vector>

int main() {
  struct alignas(64) Node {
    std::uint32_t next;
  };
  constexpr std::uint32_t n = 1U << 21;
  constexpr std::uint32_t steps = 7'000'000;
  std::vector<Node> ring(n);
  {
    std::vector<std::uint32_t> order(n);
    std::iota(order.begin(), order.end(), 0U);
    std::uint64_t state = 1;
    // Sattolo's shuffle (1986): a single cycle through all nodes.
    for (std::uint32_t i = n - 1; i > 0; --i) {
      state = state * 6364136223846793005U + 1442695040888963407U;
      std::swap(order[i], order[static_cast<std::uint32_t>((state >> 33) % i)]);
    }
    for (std::uint32_t i = 0; i < n; ++i) ring[i].next = order[i];
  }
  const auto start = std::chrono::steady_clock::now();
  std::uint32_t at = 0;
  for (std::uint32_t i = 0; i < steps; ++i) at = ring[at].next;
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::printf("%.1f ns a load, ends at %u\n", seconds / steps * 1e9, at);
  return 0;
}
