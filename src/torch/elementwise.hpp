/// What a training step does beside its matrix products, each in one pass over the memory it touches.
#pragma once
#include <cstddef>
#include <cstdint>

namespace haywatt::torch_plugin {

inline constexpr double leak = 0.01;  ///< slope of LeakyReLU below zero

/// z (rows x columns) += bias, then LeakyReLU if `activated`.
void add_bias(float* z, const float* bias, std::size_t rows, std::size_t columns, bool activated);
void add_bias(double* z, const double* bias, std::size_t rows, std::size_t columns, bool activated);

/// gradient = 2 (output - input) / columns; returns the sum of the squares divided by the columns.
double loss_and_gradient(const float* output, const float* input, float* gradient, std::size_t rows,
                         std::size_t columns);
double loss_and_gradient(const double* output, const double* input, double* gradient, std::size_t rows,
                         std::size_t columns);

/// The gradient of a layer's output becomes that of its sums (`a`, the output, tells on which side of zero they were;
/// nullptr: no LeakyReLU), and its column sums are the gradient of the bias.
void activation_gradient(float* gradient, const float* a, float* bias_gradient, std::size_t rows, std::size_t columns);
void activation_gradient(double* gradient, const double* a, double* bias_gradient, std::size_t rows,
                         std::size_t columns);

/// torch.optim.Adam's step without weight decay, with the bias corrections computed by the caller.
struct AdamFactors {
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  double step_size = 0.0;      ///< lr / (1 - beta1^t)
  double root_correction = 1;  ///< sqrt(1 - beta2^t)
  /// For step t = 1, 2, …
  void set_step(std::int64_t t, double lr);
};
void adam(float* weight, float* mean, float* square, const float* gradient, std::size_t count, const AdamFactors& f);
void adam(double* weight, double* mean, double* square, const double* gradient, std::size_t count,
          const AdamFactors& f);

/// to += from
void add(float* to, const float* from, std::size_t count);
void add(double* to, const double* from, std::size_t count);

}  // namespace haywatt::torch_plugin
