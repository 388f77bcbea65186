// The machine's rates that the inference benchmark is measured against: OpenBLAS's sgemm and dgemm at the best of
// several square sizes on one thread, and fused multiply-adds on registers alone. OPENBLAS_CORETYPE chooses OpenBLAS's
// kernels; whether they compute rightly is checked.
#include <cblas.h>

#include <cmath>

#include "inference_case.hpp"

namespace {

template <class T>
void gemm(int n, const T* a, const T* b, T* c) {
  if constexpr (sizeof(T) == 8)
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1.0, a, n, b, n, 0.0, c, n);
  else
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1.0F, a, n, b, n, 0.0F, c, n);
}

struct Gemm {
  double gflop_per_s = 0;
  int size = 0;
  bool right = true;
};

template <class T>
Gemm best_gemm() {
  Gemm best;
  for (const int n : {256, 512, 768, 1024, 1536, 2048}) {
    const auto side = static_cast<std::size_t>(n);
    std::vector<T> a(side * side), b(side * side), c(side * side);
    std::uint32_t state = 1;
    const auto next = [&] {
      state = state * 1664525U + 1013904223U;
      return static_cast<T>(state >> 8) / static_cast<T>(1 << 24) - static_cast<T>(0.5);
    };
    for (T& v : a) v = next();
    for (T& v : b) v = next();
    const double seconds = bench::best_seconds(3, [&] { gemm(n, a.data(), b.data(), c.data()); });
    const double rate = 2.0 * n * n * n / seconds / 1e9;
    if (rate > best.gflop_per_s) best.gflop_per_s = rate, best.size = n;
    for (std::size_t i = 0; i < side; i += 37) {
      const std::size_t j = i * 31 % side;
      double exact = 0;
      for (std::size_t k = 0; k < side; ++k)
        exact += static_cast<double>(a[i * side + k]) * static_cast<double>(b[k * side + j]);
      if (std::fabs(static_cast<double>(c[i * side + j]) - exact) > (sizeof(T) == 8 ? 1e-12 : 1e-4)) best.right = false;
    }
  }
  return best;
}

template <class T, std::size_t Width>
struct Wide {
  typedef T type __attribute__((vector_size(Width)));
};

constexpr int steps = 200000;

// Sums that depend on nothing but themselves, as many as hide the latency.
template <class T, std::size_t Width, std::size_t Sums>
[[gnu::always_inline]] inline void spin() {
  using V = typename Wide<T, Width>::type;
  V sums[Sums];
  V factor = V{} + static_cast<T>(0.999), addend = V{} + static_cast<T>(0.001);
  for (V& sum : sums) sum = addend;
  asm volatile("" : "+v"(factor), "+v"(addend));
  for (int step = 0; step < steps; ++step) {
#pragma GCC unroll 32
    for (V& sum : sums) sum = sum * factor + addend;
  }
#pragma GCC unroll 32
  for (V& sum : sums) asm volatile("" : "+v"(sum));
}

template <class T>
void spin_portable() {
  spin<T, 16, 8>();
}
#if defined(__x86_64__)
template <class T>
[[gnu::target("avx512f,fma")]] void spin_avx512() {
  spin<T, 64, 24>();
}
template <class T>
[[gnu::target("avx2,fma")]] void spin_avx2() {
  spin<T, 32, 12>();
}
#endif

template <class T>
double best_registers() {
  void (*spin_best)() = spin_portable<T>;
  double values = 16.0 / sizeof(T) * 8;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f"))
    spin_best = spin_avx512<T>, values = 64.0 / sizeof(T) * 24;
  else if (__builtin_cpu_supports("fma"))
    spin_best = spin_avx2<T>, values = 32.0 / sizeof(T) * 12;
#endif
  return 2.0 * steps * values / bench::best_seconds(5, spin_best) / 1e9;
}

}  // namespace

extern "C" char* openblas_get_corename();
extern "C" void openblas_set_num_threads(int);

int main() {
  openblas_set_num_threads(1);
  const Gemm s = best_gemm<float>(), d = best_gemm<double>();
  std::printf(R"({"core": "%s", "sgemm": %.6g, "sgemm_size": %d, "dgemm": %.6g, "dgemm_size": %d, "right": %s,)",
              openblas_get_corename(), s.gflop_per_s, s.size, d.gflop_per_s, d.size,
              s.right && d.right ? "true" : "false");
  std::printf(R"( "registers_f32": %.6g, "registers_f64": %.6g})", best_registers<float>(), best_registers<double>());
  std::printf("\n");
}
