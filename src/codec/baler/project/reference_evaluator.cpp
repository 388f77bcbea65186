#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "codec/baler/project/evaluator.hpp"

namespace haywatt::baler {
namespace {

// Rows that a layer is computed for at once. Values lie feature after feature, `lanes` rows each, so that the compiler
// puts rows, never terms of a sum, into SIMD lanes.
constexpr std::size_t lanes = 16;
using Block = std::array<double, lanes>;

void multiply_add(Block& sum, double weight, const double* x) {
  for (std::size_t r = 0; r < lanes; ++r) sum[r] += weight * x[r];
}

/// One feature's values, rounded to what the arithmetic holds.
void store(const Block& from, double* to, bool single) {
  for (std::size_t r = 0; r < lanes; ++r) to[r] = single ? static_cast<double>(static_cast<float>(from[r])) : from[r];
}

Block filled(double value) {
  Block b;
  b.fill(value);
  return b;
}

struct Task {
  const Layer& layer;
  const double* x;
  double* y;
  bool single;
};

std::size_t pixels(const Shape& s) { return std::size_t{s.height} * s.width; }

void linear(const Task& t) {
  const std::size_t inputs = static_cast<std::size_t>(t.layer.in.values());
  for (std::size_t o = 0; o < t.layer.bias.size(); ++o) {
    Block sum = filled(t.layer.bias[o]);
    for (std::size_t i = 0; i < inputs; ++i) multiply_add(sum, t.layer.weight[o * inputs + i], t.x + i * lanes);
    store(sum, t.y + o * lanes, t.single);
  }
}

void elementwise(const Task& t) {
  const std::size_t count = static_cast<std::size_t>(t.layer.in.values());
  const double slope = t.layer.kind == Layer::Kind::Relu ? 0.0 : t.layer.slope;
  for (std::size_t i = 0; i < count; ++i) {
    Block b;
    for (std::size_t r = 0; r < lanes; ++r) {
      const double v = t.x[i * lanes + r];
      b[r] = v > 0.0 || std::isnan(v) ? v : t.layer.kind == Layer::Kind::Relu ? 0.0 : v * slope;
    }
    store(b, t.y + i * lanes, t.single);
  }
}

void affine(const Task& t) {
  const std::size_t per_channel = pixels(t.layer.in);
  for (std::size_t c = 0; c < t.layer.in.channels; ++c) {
    for (std::size_t p = 0; p < per_channel; ++p) {
      Block b = filled(t.layer.bias[c]);
      multiply_add(b, t.layer.weight[c], t.x + (c * per_channel + p) * lanes);
      store(b, t.y + (c * per_channel + p) * lanes, t.single);
    }
  }
}

/// The kernel's taps that meet an image: input at `out * stride + k - padding`.
void conv(const Task& t) {
  const Layer& l = t.layer;
  const std::size_t taps = std::size_t{l.kernel[0]} * l.kernel[1];
  for (std::size_t o = 0; o < l.out.channels; ++o) {
    for (std::size_t row = 0; row < l.out.height; ++row) {
      for (std::size_t column = 0; column < l.out.width; ++column) {
        Block sum = filled(l.bias[o]);
        for (std::size_t c = 0; c < l.in.channels; ++c) {
          for (std::size_t k = 0; k < taps; ++k) {
            // Below zero wraps around to a number beyond every image.
            const std::size_t y = row * l.stride + k / l.kernel[1] - l.padding;
            const std::size_t x = column * l.stride + k % l.kernel[1] - l.padding;
            if (y >= l.in.height || x >= l.in.width) continue;
            multiply_add(sum, l.weight[(o * l.in.channels + c) * taps + k],
                         t.x + ((c * l.in.height + y) * l.in.width + x) * lanes);
          }
        }
        store(sum, t.y + ((o * l.out.height + row) * l.out.width + column) * lanes, t.single);
      }
    }
  }
}

/// The inputs whose kernel reaches an output: those with `in * stride + k - padding == out`.
void conv_transpose(const Task& t) {
  const Layer& l = t.layer;
  const std::size_t taps = std::size_t{l.kernel[0]} * l.kernel[1];
  for (std::size_t o = 0; o < l.out.channels; ++o) {
    for (std::size_t row = 0; row < l.out.height; ++row) {
      for (std::size_t column = 0; column < l.out.width; ++column) {
        Block sum = filled(l.bias[o]);
        for (std::size_t c = 0; c < l.in.channels; ++c) {
          for (std::size_t k = 0; k < taps; ++k) {
            const std::size_t y = row + l.padding - k / l.kernel[1];
            const std::size_t x = column + l.padding - k % l.kernel[1];
            if (y > row + l.padding || x > column + l.padding || y % l.stride != 0 || x % l.stride != 0) continue;
            if (y / l.stride >= l.in.height || x / l.stride >= l.in.width) continue;
            multiply_add(sum, l.weight[(c * l.out.channels + o) * taps + k],
                         t.x + ((c * l.in.height + y / l.stride) * l.in.width + x / l.stride) * lanes);
          }
        }
        store(sum, t.y + ((o * l.out.height + row) * l.out.width + column) * lanes, t.single);
      }
    }
  }
}

void gdn(const Task& t) {
  const Layer& l = t.layer;
  const std::size_t per_channel = pixels(l.in), channels = l.in.channels;
  for (std::size_t p = 0; p < per_channel; ++p) {
    for (std::size_t i = 0; i < channels; ++i) {
      Block sum = filled(l.bias[i]);
      for (std::size_t j = 0; j < channels; ++j) {
        const double* x = t.x + (j * per_channel + p) * lanes;
        for (std::size_t r = 0; r < lanes; ++r) sum[r] += l.weight[i * channels + j] * (x[r] * x[r]);
      }
      const double* x = t.x + (i * per_channel + p) * lanes;
      for (std::size_t r = 0; r < lanes; ++r)
        sum[r] = l.kind == Layer::Kind::Gdn ? x[r] / std::sqrt(sum[r]) : x[r] * std::sqrt(sum[r]);
      store(sum, t.y + (i * per_channel + p) * lanes, t.single);
    }
  }
}

void run_layer(const Task& t) {
  switch (t.layer.kind) {
    case Layer::Kind::Linear:
      return linear(t);
    case Layer::Kind::LeakyRelu:
    case Layer::Kind::Relu:
      return elementwise(t);
    case Layer::Kind::Affine:
      return affine(t);
    case Layer::Kind::Conv:
      return conv(t);
    case Layer::Kind::ConvTranspose:
      return conv_transpose(t);
    case Layer::Kind::Gdn:
    case Layer::Kind::InverseGdn:
      return gdn(t);
  }
}

class ReferenceEvaluator final : public Evaluator {
 public:
  ReferenceEvaluator(const std::vector<Layer>& layers, bool single) : layers_(layers), single_(single) {
    for (Layer& l : layers_)
      for (std::vector<double>* values : {&l.weight, &l.bias})
        for (double& v : *values) v = single ? static_cast<double>(static_cast<float>(v)) : v;
    for (const Layer& l : layers_) widest_ = std::max({widest_, l.in.values(), l.out.values()});
  }

  void run(const ConstRows& x, const MutableRows& y) const override {
    std::vector<double> a(static_cast<std::size_t>(widest_) * lanes), b(a.size());
    const auto inputs = static_cast<std::size_t>(layers_.front().in.values());
    const auto outputs = static_cast<std::size_t>(layers_.back().out.values());
    for (std::size_t first = 0; first < x.rows; first += lanes) {
      const std::size_t count = std::min(lanes, x.rows - first);
      std::fill(a.begin(), a.end(), 0.0);
      for (std::size_t r = 0; r < count; ++r)
        for (std::size_t i = 0; i < inputs; ++i) {
          const std::size_t at = (first + r) * x.stride + i;
          a[i * lanes + r] = x.f4 != nullptr ? static_cast<double>(x.f4[at])
                             : single_       ? static_cast<double>(static_cast<float>(x.f8[at]))
                                             : x.f8[at];
        }
      for (const Layer& l : layers_) {
        run_layer({l, a.data(), b.data(), single_});
        a.swap(b);
      }
      for (std::size_t r = 0; r < count; ++r)
        for (std::size_t i = 0; i < outputs; ++i) {
          const std::size_t at = (first + r) * y.stride + i;
          if (y.f4 != nullptr) {
            y.f4[at] = static_cast<float>(a[i * lanes + r]);
          } else {
            y.f8[at] = a[i * lanes + r];
          }
        }
    }
  }

 private:
  std::vector<Layer> layers_;
  bool single_;
  std::uint64_t widest_ = 0;
};

}  // namespace

std::unique_ptr<Evaluator> make_reference_evaluator(const std::vector<Layer>& layers, Arithmetic arithmetic) {
  return std::make_unique<ReferenceEvaluator>(layers, arithmetic == Arithmetic::Float32);
}

}  // namespace haywatt::baler
