// Known answer: compute. Two threads, each mixing its own 32 KB with multiplications and shifts, that meet only at the
// end.
#include <array>
#include <cstdint>
#include <cstdio>
#include <thread>
#include <vector>

namespace {

std::uint64_t mix_table(std::uint64_t seed) {
  std::array<std::uint64_t, 4096> table{};
  for (std::size_t i = 0; i < table.size(); ++i) table[i] = seed + i;
  std::uint64_t state = seed;
  for (int pass = 0; pass < 500'000; ++pass)
    for (std::uint64_t& v : table) {
      v = (v ^ (v >> 31)) * 0x9E3779B97F4A7C15U;
      state += v;
    }
  return state;
}

}  // namespace

int main() {
  std::uint64_t first = 0, second = 0;
  std::thread a([&] { first = mix_table(1); });
  std::thread b([&] { second = mix_table(2); });
  a.join();
  b.join();
  std::printf("%llx\n", static_cast<unsigned long long>(first ^ second));
  return 0;
}
