// Scores events with a small dense network, as a trigger does: a block of events stays in the caches through all
// layers.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <vector>

namespace {
constexpr std::array<std::size_t, 5> kWidths = {24, 200, 100, 50, 16};
constexpr std::size_t kBlock = 64;     // events that go through the layers together: at most 51 kB of activations
constexpr std::size_t kEvents = 4096;  // 393 kB of input, read again in every pass
constexpr int kPasses = 24;

struct Layer {
  std::size_t in, out;
  std::vector<float> weights;  // in x out
  std::vector<float> bias;
};

float uniform(std::uint32_t& state) {
  state = state * 1664525u + 1013904223u;
  return static_cast<float>(state >> 8) * (2.0f / 16777216.0f) - 1.0f;
}

// y = leaky(x W + b); four events share each weight that is loaded.
void apply(const Layer& layer, const float* x, float* __restrict y) {
  for (std::size_t event = 0; event < kBlock; event += 4) {
    float* __restrict out = y + event * layer.out;
    for (std::size_t row = 0; row < 4; ++row) std::copy(layer.bias.begin(), layer.bias.end(), out + row * layer.out);
    const float* in = x + event * layer.in;
    for (std::size_t k = 0; k < layer.in; ++k) {
      const float* w = layer.weights.data() + k * layer.out;
      const float a = in[k], b = in[layer.in + k], c = in[2 * layer.in + k], d = in[3 * layer.in + k];
      for (std::size_t j = 0; j < layer.out; ++j) {
        out[j] += a * w[j];
        out[layer.out + j] += b * w[j];
        out[2 * layer.out + j] += c * w[j];
        out[3 * layer.out + j] += d * w[j];
      }
    }
    for (std::size_t j = 0; j < 4 * layer.out; ++j) out[j] = std::max(out[j], 0.01f * out[j]);
  }
}
}  // namespace

int main() {
  std::uint32_t state = 7;
  std::vector<Layer> layers;
  for (std::size_t l = 0; l + 1 < kWidths.size(); ++l) {
    Layer layer{kWidths[l], kWidths[l + 1], {}, {}};
    layer.weights.resize(layer.in * layer.out);
    layer.bias.resize(layer.out);
    for (auto& w : layer.weights) w = 0.1f * uniform(state);
    for (auto& b : layer.bias) b = 0.1f * uniform(state);
    layers.push_back(std::move(layer));
  }
  std::vector<float> events(kEvents * kWidths[0]);
  for (auto& v : events) v = uniform(state);

  std::vector<float> a(kBlock * 200), b(kBlock * 200);
  double sum = 0;
  for (int pass = 0; pass < kPasses; ++pass) {
    for (std::size_t event = 0; event < kEvents; event += kBlock) {
      std::copy_n(events.begin() + static_cast<std::ptrdiff_t>(event * kWidths[0]), kBlock * kWidths[0], a.begin());
      for (const auto& layer : layers) {
        apply(layer, a.data(), b.data());
        a.swap(b);
      }
      for (std::size_t i = 0; i < kBlock * kWidths.back(); ++i) sum += static_cast<double>(a[i]);
    }
  }
  std::printf("%.6f\n", sum);
}
