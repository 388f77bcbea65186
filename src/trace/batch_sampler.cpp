#include "haywatt/trace/batch_sampler.hpp"

#include <algorithm>
#include <cmath>

namespace haywatt::trace {
namespace {

constexpr std::uint64_t longest_stretch = 1000;
constexpr double newest = 0.2;  // weight of the newest batch in the moving means
constexpr double most_unseen = 4.0;

/// SplitMix64 (Steele, Lea, Flood 2014).
std::uint64_t draw(std::uint64_t& state) noexcept {
  std::uint64_t z = (state += 0x9e3779b97f4a7c15ULL);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

void follow(double& mean, double value) noexcept { mean = mean > 0.0 ? mean + newest * (value - mean) : value; }

}  // namespace

BatchSampler::BatchSampler(double share, std::uint64_t seed) noexcept : share_(std::max(share, 1e-4)), state_(seed) {
  if (share_ >= 1.0) longest_ = 1;
}

double BatchSampler::next(std::uint64_t left) noexcept {
  if (at_ == length_) {
    length_ = std::min(longest_, std::max<std::uint64_t>(left, 1));
    seen_ = draw(state_) % length_;
    at_ = 0;
  }
  return at_++ == seen_ ? static_cast<double>(length_) : 0.0;
}

void BatchSampler::learn(double batch_s, double looking_s) noexcept {
  if (looking_s > 0.0) {
    // Looking costs more than can be seen from within: caches are not the batch's own afterwards.
    const double longer = batch_s_ > 0.0 ? batch_s - batch_s_ : looking_s;
    follow(looking_s_, std::clamp(longer, looking_s, most_unseen * looking_s));
    if (batch_s_ <= 0.0) batch_s_ = std::max(batch_s - looking_s, 1e-9);
  } else {
    follow(batch_s_, std::max(batch_s, 1e-9));
  }
  if (share_ >= 1.0 || looking_s_ <= 0.0) return;
  const double wanted = std::ceil(looking_s_ / (share_ * batch_s_) - 1e-6);  // rounding adds no batch
  longest_ = static_cast<std::uint64_t>(std::clamp(wanted, 1.0, static_cast<double>(longest_stretch)));
}

}  // namespace haywatt::trace
