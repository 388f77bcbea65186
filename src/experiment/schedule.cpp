#include "haywatt/experiment/schedule.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace haywatt::experiment {
namespace {

/// Steele, Lea, Flood: Fast splittable pseudorandom number generators (OOPSLA 2014).
std::uint64_t splitmix64(std::uint64_t& state) {
  state += 0x9e3779b97f4a7c15u;
  std::uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

}  // namespace

std::vector<int> choose_repeats(const std::vector<FirstRun>& first, int fixed, double budget_s) {
  std::vector<int> repeats;
  std::vector<std::size_t> slow;
  double left_s = budget_s;
  for (std::size_t i = 0; i < first.size(); ++i) {
    const FirstRun& f = first[i];
    const bool is_slow = f.seconds >= quick_run_s;
    const int n = f.failed ? 1 : fixed > 0 ? fixed : is_slow ? 1 : quick_repeats;
    repeats.push_back(n);
    left_s -= f.seconds * n;
    if (is_slow && !f.failed) slow.push_back(i);
  }
  if (fixed > 0) return repeats;
  std::stable_sort(slow.begin(), slow.end(),
                   [&](std::size_t a, std::size_t b) { return first[a].seconds < first[b].seconds; });
  for (int round = 1; round < quick_repeats; ++round)
    for (const std::size_t i : slow)
      if (repeats[i] == round && first[i].seconds <= left_s) {
        ++repeats[i];
        left_s -= first[i].seconds;
      }
  return repeats;
}

std::vector<std::size_t> shuffled_order(std::size_t count, std::uint64_t seed, int round) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::uint64_t state = seed * 0x100000001b3u + static_cast<std::uint64_t>(round);
  for (std::size_t i = count; i > 1; --i)
    std::swap(order[i - 1], order[static_cast<std::size_t>(splitmix64(state) % i)]);
  return order;
}

}  // namespace haywatt::experiment
