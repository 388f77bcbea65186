#include "trace/peak_kernels.hpp"

#include <cstdint>

// Vectors wider than a register stay inside one function: no ABI to change.
#pragma GCC diagnostic ignored "-Wpsabi"

namespace haywatt::trace {
namespace {

template <class T, std::size_t Width>
struct VectorOf {
  typedef T type __attribute__((vector_size(Width), may_alias));
};

/// Sums that do not wait for each other: enough for two units of a latency of five.
constexpr std::size_t chains = 12;

template <class T, std::size_t Width>
[[gnu::always_inline]] inline double multiply_add(std::size_t rounds) {
  using V = typename VectorOf<T, Width>::type;
  V sum[chains];
  for (std::size_t i = 0; i < chains; ++i) sum[i] = V{} + static_cast<T>(1.0 + 0.01 * static_cast<double>(i));
  // Values stay near 1 for ever: x -> 0.5 x + 0.5.
  V factor = V{} + static_cast<T>(0.5);
  asm("" : "+m"(factor));  // or the compiler sees that sums could be had more cheaply
  for (std::size_t r = 0; r < rounds; ++r)
#pragma GCC unroll 12
    for (std::size_t i = 0; i < chains; ++i) sum[i] = sum[i] * factor + factor;
  double total = 0.0;
  for (std::size_t i = 0; i < chains; ++i)
    for (std::size_t l = 0; l < Width / sizeof(T); ++l) total += static_cast<double>(sum[i][l]);
  return total;
}

template <std::size_t Width>
[[gnu::always_inline]] inline double read(const std::byte* from, std::size_t bytes) {
  using V = typename VectorOf<std::int64_t, Width>::type;
  constexpr std::size_t lines = 1024 / Width;
  V sum[8] = {};
  for (const std::byte* end = from + bytes; from != end; from += 1024)
#pragma GCC unroll 64
    for (std::size_t i = 0; i < lines; ++i) sum[i % 8] ^= *reinterpret_cast<const V*>(from + i * Width);
  std::int64_t total = 0;
  for (const V& s : sum)
    for (std::size_t l = 0; l < Width / 8; ++l) total ^= s[l];
  return static_cast<double>(total);
}

template <class T, std::size_t Width>
constexpr std::size_t flops_per_round = 2 * chains* Width / sizeof(T);

double f64_portable(std::size_t rounds) { return multiply_add<double, 16>(rounds); }
double f32_portable(std::size_t rounds) { return multiply_add<float, 16>(rounds); }
double read_portable(const std::byte* from, std::size_t bytes) { return read<16>(from, bytes); }

#if defined(__x86_64__)
[[gnu::target("avx2,fma")]] double f64_avx2(std::size_t rounds) { return multiply_add<double, 32>(rounds); }
[[gnu::target("avx2,fma")]] double f32_avx2(std::size_t rounds) { return multiply_add<float, 32>(rounds); }
[[gnu::target("avx2")]] double read_avx2(const std::byte* from, std::size_t bytes) { return read<32>(from, bytes); }
[[gnu::target("avx512f")]] double f64_avx512(std::size_t rounds) { return multiply_add<double, 64>(rounds); }
[[gnu::target("avx512f")]] double f32_avx512(std::size_t rounds) { return multiply_add<float, 64>(rounds); }
[[gnu::target("avx512f")]] double read_avx512(const std::byte* from, std::size_t bytes) {
  return read<64>(from, bytes);
}
#endif

}  // namespace

const PeakKernels& peak_kernels() {
#if defined(__x86_64__)
  static const PeakKernels avx512{f64_avx512, f32_avx512, flops_per_round<double, 64>, flops_per_round<float, 64>,
                                  read_avx512};
  static const PeakKernels avx2{f64_avx2, f32_avx2, flops_per_round<double, 32>, flops_per_round<float, 32>, read_avx2};
  if (__builtin_cpu_supports("avx512f")) return avx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return avx2;
#endif
  static const PeakKernels portable{f64_portable, f32_portable, flops_per_round<double, 16>, flops_per_round<float, 16>,
                                    read_portable};
  return portable;
}

}  // namespace haywatt::trace
