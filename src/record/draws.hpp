/// Random draws that are the same on every machine: the distributions of the standard library are not.
#pragma once
#include <cmath>
#include <cstdint>
#include <numbers>
#include <vector>

namespace haywatt::record {

inline constexpr int draw_count = 10'000;     ///< of every bootstrap and Monte Carlo
inline constexpr double z95 = 1.95996398454;  ///< 97.5 % quantile of the standard normal distribution

/// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
class Draws {
 public:
  explicit Draws(std::uint64_t seed) : state_(seed) {}
  std::uint64_t bits() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15U);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
  }
  /// In (0, 1).
  double uniform() { return (static_cast<double>(bits() >> 11) + 0.5) * 0x1p-53; }
  /// In [0, n).
  std::size_t below(std::size_t n) {
    return static_cast<std::size_t>(uniform() * static_cast<double>(n));  // bias < n * 2^-53
  }
  /// Standard normal (Box and Muller 1958).
  double normal() { return std::sqrt(-2.0 * std::log(uniform())) * std::cos(2.0 * std::numbers::pi * uniform()); }

 private:
  std::uint64_t state_;
};

/// Quantile of sorted values by linear interpolation (type 7 of Hyndman and Fan 1996). `sorted` is not empty.
[[nodiscard]] inline double quantile(const std::vector<double>& sorted, double p) {
  const double at = p * static_cast<double>(sorted.size() - 1);
  const auto i = static_cast<std::size_t>(at);
  if (i + 1 >= sorted.size()) return sorted.back();
  return sorted[i] + (at - static_cast<double>(i)) * (sorted[i + 1] - sorted[i]);
}

}  // namespace haywatt::record
