#include "torch/elementwise.hpp"

#include <cmath>

// Compiled for the SIMD units that a machine may have; the loader picks.
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__clang__)
#define HAYWATT_SIMD __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define HAYWATT_SIMD
#endif
#define HAYWATT_INLINE __attribute__((always_inline)) inline

namespace haywatt::torch_plugin {
namespace {

template <class T>
HAYWATT_INLINE void add_bias_of(T* __restrict z, const T* __restrict bias, std::size_t rows, std::size_t columns,
                                bool activated) {
  const T slope = activated ? static_cast<T>(leak) : T{1};
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < columns; ++c) {
      const T value = z[c] + bias[c];
      z[c] = value > T{0} ? value : value * slope;
    }
    z += columns;
  }
}

template <class T>
HAYWATT_INLINE double loss_of(const T* __restrict output, const T* __restrict input, T* __restrict gradient,
                              std::size_t rows, std::size_t columns) {
  constexpr std::size_t lanes = 16;
  double sums[lanes] = {};
  const T factor = static_cast<T>(2.0 / static_cast<double>(columns));
  const std::size_t count = rows * columns;
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    for (std::size_t k = 0; k < lanes; ++k) {
      const T d = output[i + k] - input[i + k];
      gradient[i + k] = factor * d;
      sums[k] += static_cast<double>(d) * static_cast<double>(d);
    }
  }
  for (; i < count; ++i) {
    const T d = output[i] - input[i];
    gradient[i] = factor * d;
    sums[0] += static_cast<double>(d) * static_cast<double>(d);
  }
  double sum = 0.0;
  for (const double s : sums) sum += s;
  return sum / static_cast<double>(columns);
}

template <class T>
HAYWATT_INLINE void gradient_of(T* __restrict gradient, const T* __restrict a, T* __restrict bias_gradient,
                                std::size_t rows, std::size_t columns) {
  for (std::size_t c = 0; c < columns; ++c) bias_gradient[c] = T{0};
  for (std::size_t r = 0; r < rows; ++r) {
    if (a == nullptr) {
      for (std::size_t c = 0; c < columns; ++c) bias_gradient[c] += gradient[c];
    } else {
      for (std::size_t c = 0; c < columns; ++c) {
        const T g = a[c] > T{0} ? gradient[c] : gradient[c] * static_cast<T>(leak);
        gradient[c] = g;
        bias_gradient[c] += g;
      }
      a += columns;
    }
    gradient += columns;
  }
}

template <class T>
HAYWATT_INLINE void adam_of(T* __restrict weight, T* __restrict mean, T* __restrict square,
                            const T* __restrict gradient, std::size_t count, const AdamFactors& f) {
  const T beta1 = static_cast<T>(f.beta1), rest1 = static_cast<T>(1.0 - f.beta1);
  const T beta2 = static_cast<T>(f.beta2), rest2 = static_cast<T>(1.0 - f.beta2);
  const T epsilon = static_cast<T>(f.epsilon), step = static_cast<T>(f.step_size);
  const T root = static_cast<T>(f.root_correction);
  for (std::size_t i = 0; i < count; ++i) {
    const T g = gradient[i];
    const T m = mean[i] * beta1 + g * rest1;
    const T v = square[i] * beta2 + g * g * rest2;
    mean[i] = m;
    square[i] = v;
    weight[i] -= step * (m / (std::sqrt(v) / root + epsilon));
  }
}

template <class T>
HAYWATT_INLINE void add_of(T* __restrict to, const T* __restrict from, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) to[i] += from[i];
}

}  // namespace

void AdamFactors::set_step(std::int64_t t, double lr) {
  step_size = lr / (1.0 - std::pow(beta1, static_cast<double>(t)));
  root_correction = std::sqrt(1.0 - std::pow(beta2, static_cast<double>(t)));
}

HAYWATT_SIMD void add_bias(float* z, const float* bias, std::size_t rows, std::size_t columns, bool activated) {
  add_bias_of(z, bias, rows, columns, activated);
}
HAYWATT_SIMD void add_bias(double* z, const double* bias, std::size_t rows, std::size_t columns, bool activated) {
  add_bias_of(z, bias, rows, columns, activated);
}

HAYWATT_SIMD double loss_and_gradient(const float* output, const float* input, float* gradient, std::size_t rows,
                                      std::size_t columns) {
  return loss_of(output, input, gradient, rows, columns);
}
HAYWATT_SIMD double loss_and_gradient(const double* output, const double* input, double* gradient, std::size_t rows,
                                      std::size_t columns) {
  return loss_of(output, input, gradient, rows, columns);
}

HAYWATT_SIMD void activation_gradient(float* gradient, const float* a, float* bias_gradient, std::size_t rows,
                                      std::size_t columns) {
  gradient_of(gradient, a, bias_gradient, rows, columns);
}
HAYWATT_SIMD void activation_gradient(double* gradient, const double* a, double* bias_gradient, std::size_t rows,
                                      std::size_t columns) {
  gradient_of(gradient, a, bias_gradient, rows, columns);
}

HAYWATT_SIMD void adam(float* weight, float* mean, float* square, const float* gradient, std::size_t count,
                       const AdamFactors& f) {
  adam_of(weight, mean, square, gradient, count, f);
}
HAYWATT_SIMD void adam(double* weight, double* mean, double* square, const double* gradient, std::size_t count,
                       const AdamFactors& f) {
  adam_of(weight, mean, square, gradient, count, f);
}

HAYWATT_SIMD void add(float* to, const float* from, std::size_t count) { add_of(to, from, count); }
HAYWATT_SIMD void add(double* to, const double* from, std::size_t count) { add_of(to, from, count); }

}  // namespace haywatt::torch_plugin
