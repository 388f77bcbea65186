#include "codec/baler/network.hpp"

#include <algorithm>
#include <utility>

namespace haywatt::baler {
namespace {

constexpr std::size_t panel = 4;  // outputs computed together, so that each loaded input is used four times

// `Width` bytes of T as one value, loadable from any T*.
template <class T, std::size_t Width>
struct VectorOf {
  typedef T type __attribute__((vector_size(Width), may_alias, aligned(sizeof(T))));
};

template <class T>
struct LayerTask {
  const T* weight;
  const T* bias;
  std::size_t inputs, outputs;
  const T* x;
  T* y;
  bool leaky;
};

// A tile of `panel` outputs by two vectors of rows stays in registers over the whole sum.
template <class T, std::size_t Width>
[[gnu::always_inline]] inline void run_layer(const LayerTask<T>& task) {
  using V = typename VectorOf<T, Width>::type;
  constexpr std::size_t lanes = Width / sizeof(T);
  constexpr std::size_t rows = block_rows<T>;
  const V slope = V{} + static_cast<T>(0.01);
  for (std::size_t first = 0; first < task.outputs; first += panel) {
    const T* weights = task.weight + first * task.inputs;
    const std::size_t count = std::min(panel, task.outputs - first);
    for (std::size_t row = 0; row < rows; row += 2 * lanes) {
      V sum[panel][2];
      for (std::size_t o = 0; o < panel; ++o) sum[o][0] = sum[o][1] = V{} + task.bias[first + o];
      const T* x = task.x + row;
      const T* w = weights;
      for (std::size_t i = 0; i < task.inputs; ++i, x += rows, w += panel) {
        const V x0 = *reinterpret_cast<const V*>(x);
        const V x1 = *reinterpret_cast<const V*>(x + lanes);
        for (std::size_t o = 0; o < panel; ++o) {
          sum[o][0] += x0 * w[o];
          sum[o][1] += x1 * w[o];
        }
      }
      for (std::size_t o = 0; o < count; ++o) {
        for (std::size_t half = 0; half < 2; ++half) {
          V value = sum[o][half];
          if (task.leaky) value = value > V{} ? value : value * slope;
          *reinterpret_cast<V*>(task.y + (first + o) * rows + row + half * lanes) = value;
        }
      }
    }
  }
}

template <class T>
void layer_portable(const LayerTask<T>& task) {
  run_layer<T, 16>(task);
}
#if defined(__x86_64__)
template <class T>
[[gnu::target("avx2")]] void layer_avx2(const LayerTask<T>& task) {
  run_layer<T, 32>(task);
}
template <class T>
[[gnu::target("avx512f")]] void layer_avx512(const LayerTask<T>& task) {
  run_layer<T, 64>(task);
}
#endif

template <class T>
void layer(Instructions set, const LayerTask<T>& task) {
#if defined(__x86_64__)
  if (set == Instructions::Avx512) return layer_avx512(task);
  if (set == Instructions::Avx2) return layer_avx2(task);
#endif
  static_cast<void>(set);
  layer_portable(task);
}

}  // namespace

template <class T>
Network<T>::Network(const std::vector<Linear>& layers, Instructions set) : set_(set) {
  for (const Linear& from : layers) {
    const std::size_t panels = (from.outputs + panel - 1) / panel;
    Packed to;
    to.inputs = from.inputs;
    to.outputs = from.outputs;
    to.weight = AlignedBuffer<T>(panels * panel * from.inputs);
    to.bias = AlignedBuffer<T>(panels * panel);
    for (std::size_t o = 0; o < from.outputs; ++o) {
      to.bias.data()[o] = static_cast<T>(from.bias[o]);
      T* column = to.weight.data() + (o / panel) * panel * from.inputs + o % panel;
      for (std::size_t i = 0; i < from.inputs; ++i)
        column[i * panel] = static_cast<T>(from.weight[o * from.inputs + i]);
    }
    widest_ = std::max<std::size_t>(widest_, from.outputs);
    layers_.push_back(std::move(to));
  }
}

template <class T>
typename Network<T>::Scratch Network<T>::make_scratch() const {
  return {AlignedBuffer<T>(widest_ * block_rows<T>), AlignedBuffer<T>(widest_ * block_rows<T>)};
}

template <class T>
void Network<T>::run(const T* x, T* y, Scratch& scratch, StepTimes* times, std::size_t first) const {
  const T* from = x;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const bool last = i + 1 == layers_.size();
    T* to = last ? y : (i % 2 == 0 ? scratch.a.data() : scratch.b.data());
    layer<T>(set_, {layers_[i].weight.data(), layers_[i].bias.data(), layers_[i].inputs, layers_[i].outputs, from, to,
                    !last});
    from = to;
    if (times != nullptr) times->lap(first + i);
  }
}

template <class T>
void Network<T>::announce(const std::string& name, std::uint64_t rows, const StepTimes& times,
                          std::size_t first) const {
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const bool leaky = i + 1 < layers_.size();
    announce_step(leaky ? "dense + leaky_relu" : "dense", name + "." + std::to_string(i), dtype_name<T>(),
                  dense_cost(layers_[i].inputs, layers_[i].outputs, leaky, rows, sizeof(T)), times, first + i);
  }
}

template class Network<double>;
template class Network<float>;

}  // namespace haywatt::baler
