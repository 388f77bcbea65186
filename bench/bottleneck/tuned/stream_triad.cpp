// Known answer: memory bandwidth. The triad of STREAM (McCalpin, 1995) on three arrays of 64 MB, one thread.
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <vector>

int main() {
  constexpr std::size_t n = 8'000'000;
  constexpr int passes = 45;
  std::vector<double> a(n, 0.0), b(n, 1.0), c(n, 2.0);
  const auto start = std::chrono::steady_clock::now();
  for (int pass = 0; pass < passes; ++pass) {
    const double scale = 0.5 + pass;
    for (std::size_t i = 0; i < n; ++i) a[i] = b[i] + scale * c[i];
    asm volatile("" : : "r"(a.data()) : "memory");
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::printf("triad %.1f GB/s, a[1] = %g\n", passes * 24.0 * n / seconds * 1e-9, a[1]);
  return 0;
}
