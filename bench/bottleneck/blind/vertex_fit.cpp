// Two threads propagate tracks to the beam; then one fits the vertex, where each step needs the one before.
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <thread>
#include <vector>

namespace {
constexpr std::size_t kTracks = 40'000;
constexpr int kPropagation = 800, kFit = 3500;

double propagate(std::size_t track) {
  double angle = 0.001 * static_cast<double>(track), z = 0;
  for (int step = 0; step < kPropagation; ++step) {
    angle += 0.01 * std::cos(angle);
    z += 0.001 * std::sin(angle);
  }
  return z;
}
}  // namespace

int main() {
  std::vector<double> z(kTracks);
  auto work = [&](std::size_t first, std::size_t last) {
    for (std::size_t t = first; t < last; ++t) z[t] = propagate(t);
  };
  std::thread other(work, 0, kTracks / 2);
  work(kTracks / 2, kTracks);
  other.join();

  double vertex = 0, width = 1;
  for (int iteration = 0; iteration < kFit; ++iteration) {
    double weight = 0, moment = 0;
    for (const double place : z) {
      const double w = std::exp(-0.5 * (place - vertex) * (place - vertex) / (width * width));
      weight += w;
      moment += w * place;
    }
    vertex = moment / weight;
    width = 0.1 + 0.999 * (width - 0.1);
  }
  std::printf("%.12f\n", vertex);
}
