// A wave in a medium of varying speed: leapfrog on a 4,096 x 4,096 grid, rows shared out to two threads.
#include <barrier>
#include <cstddef>
#include <cstdio>
#include <thread>
#include <utility>
#include <vector>

namespace {
constexpr std::size_t kSide = 4096, kPitch = kSide + 16;  // a border of 8 zeros on each side of a row
constexpr int kSteps = 100;

void step(const float* now, float* __restrict before, const float* speed, std::size_t first, std::size_t last) {
  for (std::size_t row = first; row < last; ++row) {
    const float* u = now + row * kPitch + 8;
    const float* c = speed + row * kPitch + 8;
    float* __restrict p = before + row * kPitch + 8;
    for (std::size_t i = 0; i < kSide; ++i) {
      const float around = u[i - 1] + u[i + 1] + u[i - kPitch] + u[i + kPitch];
      p[i] = 2.0f * u[i] - p[i] + c[i] * (around - 4.0f * u[i]);
    }
  }
}
}  // namespace

int main() {
  std::vector<float> a((kSide + 2) * kPitch), b(a.size()), speed(a.size());
  for (std::size_t i = 0; i < speed.size(); ++i) speed[i] = 0.1f + 0.1f * static_cast<float>(i / kPitch % 512) / 512.0f;
  const std::size_t middle = kSide / 2 * kPitch + kSide / 2;
  a[middle] = b[middle] = 1.0f;

  std::barrier step_done(2);
  auto work = [&](std::size_t first, std::size_t last) {
    float* now = a.data();
    float* before = b.data();
    for (int s = 0; s < kSteps; ++s) {
      step(now, before, speed.data(), first, last);
      std::swap(now, before);
      step_done.arrive_and_wait();
    }
  };
  std::thread upper(work, 1, kSide / 2 + 1);
  work(kSide / 2 + 1, kSide + 1);
  upper.join();
  double sum = 0;
  for (std::size_t i = middle - 100; i < middle + 100; ++i) sum += static_cast<double>(a[i]);
  std::printf("%.9f\n", sum);
}
