// Known answer: compute. Sixteen independent chains of multiply-add in registers on one thread: no memory is touched.
#include <array>
#include <chrono>
#include <cstdio>

int main() {
  std::array<double, 16> x{};
  for (std::size_t k = 0; k < x.size(); ++k) x[k] = 1.0 + 0.01 * static_cast<double>(k);
  constexpr long steps = 240'000'000;
  const auto start = std::chrono::steady_clock::now();
  for (long i = 0; i < steps; ++i)
    for (double& v : x) v = v * 0.999999 + 1e-6;
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  double sum = 0.0;
  for (const double v : x) sum += v;
  std::printf("%.1f GFLOP/s, sum %g\n", 32.0 * steps / seconds * 1e-9, sum);
  return 0;
}
