#include "codec/baler/dense/packed.hpp"

#include <bit>
#include <cmath>
#include <limits>
#include <string>

#include "haywatt/base/error.hpp"

namespace haywatt::baler::dense {
namespace {

constexpr std::size_t most_int8_inputs = 66000;  // times 255 * 127 fits 31 bits

std::vector<Tile> split(std::size_t outputs, std::size_t most, std::size_t group) {
  const std::size_t groups = (outputs + group - 1) / group;
  const std::size_t count = (groups * group + most - 1) / most;
  std::vector<Tile> tiles;
  std::size_t first = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t next = groups * (i + 1) / count;
    tiles.push_back({static_cast<std::uint32_t>(first * group), static_cast<std::uint32_t>((next - first) * group)});
    first = next;
  }
  return tiles;
}

template <class T>
PackedScaling<T> pack_scaling(const std::vector<double>& low, const std::vector<double>& factor) {
  PackedScaling<T> packed{AlignedBuffer<T>(low.size()), AlignedBuffer<T>(low.size())};
  for (std::size_t i = 0; i < low.size(); ++i) {
    packed.low.data()[i] = static_cast<T>(low[i]);
    packed.factor.data()[i] = static_cast<T>(factor[i]);
  }
  return packed;
}

// x / infinity is 0 for every finite x, so that a constant column needs no test in the kernels.
template <class T>
PackedScaling<T> pack_input(const InputScaling& before) {
  PackedScaling<T> packed = pack_scaling<T>(before.minimum, before.range);
  for (std::size_t i = 0; i < packed.factor.size(); ++i) {
    T& factor = packed.factor.data()[i];
    if (factor == T{0} && before.constant_to_zero) factor = std::numeric_limits<T>::infinity();
    if (!before.divide) factor = T{1} / factor;
  }
  return packed;
}

std::uint32_t bfloat16_bits(double value) {
  const float narrow = static_cast<float>(value);
  const auto bits = std::bit_cast<std::uint32_t>(narrow);
  if (std::isnan(narrow)) return 0x7fc0U;
  return (bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16;
}

// One output's weights as bytes, and from them the bias and the worth of a sum.
struct ByteRow {
  double step = 1;
  std::int64_t sum = 0;
  [[nodiscard]] std::int8_t level(double weight) const {
    return static_cast<std::int8_t>(std::clamp(std::nearbyint(weight / step), -127.0, 127.0));
  }
};

ByteRow byte_row(const double* weight, std::size_t inputs) {
  ByteRow row;
  double largest = 0;
  for (std::size_t i = 0; i < inputs; ++i) {
    if (!std::isfinite(weight[i])) fail_input("a weight is not finite: int8 cannot hold it");
    largest = std::max(largest, std::fabs(weight[i]));
  }
  if (largest > 0) row.step = largest / 127;
  for (std::size_t i = 0; i < inputs; ++i) row.sum += row.level(weight[i]);
  return row;
}

template <Arithmetic A>
void pack_weights(const Linear& linear, PackedLayer<A>& to, const std::vector<ByteRow>& rows) {
  constexpr std::size_t group = Traits<A>::group;
  auto* unit = to.weight.data();
  for (const Tile& tile : to.tiles) {
    for (std::size_t step = 0; step < to.steps; ++step) {
      for (std::size_t o = tile.first; o < tile.first + tile.outputs; ++o, ++unit) {
        for (std::size_t i = step * group; o < to.outputs && i < std::min(to.inputs, (step + 1) * group); ++i) {
          const double weight = linear.weight[o * to.inputs + i];
          if constexpr (A == Arithmetic::BFloat16)
            *unit |= bfloat16_bits(weight) << (16 * (i % group));
          else if constexpr (A == Arithmetic::Int8)
            *unit |= std::uint32_t{static_cast<std::uint8_t>(rows[o].level(weight))} << (8 * (i % group));
          else
            *unit = static_cast<typename Traits<A>::Real>(weight);
        }
      }
    }
  }
}

template <Arithmetic A>
PackedLayer<A> pack_layer(const DenseLayer& from, std::size_t most_outputs, const InputRange& range) {
  constexpr std::size_t group = Traits<A>::group;
  using Real = typename Traits<A>::Real;
  const Linear& linear = from.linear;
  PackedLayer<A> to;
  to.inputs = linear.inputs;
  to.outputs = linear.outputs;
  to.steps = (to.inputs + group - 1) / group;
  to.activation = from.activation;
  to.slope = static_cast<Real>(from.slope);
  to.tiles = split(to.outputs, most_outputs, group);
  const std::size_t padded = to.tiles.back().first + to.tiles.back().outputs;
  to.bias = AlignedBuffer<Real>(padded);
  for (std::size_t o = 0; o < to.outputs; ++o) to.bias.data()[o] = static_cast<Real>(linear.bias[o]);
  std::vector<ByteRow> rows;
  if constexpr (A == Arithmetic::Int8) {
    if (to.inputs > most_int8_inputs)
      fail_input("int8 takes layers of at most " + std::to_string(most_int8_inputs) + " inputs");
    to.scale = AlignedBuffer<Real>(padded);
    const double step = range.high > range.low ? (range.high - range.low) / 255 : 1.0;
    const double zero = std::nearbyint(-range.low / step);
    to.quantisation = {static_cast<float>(1 / step), static_cast<float>(zero + 0.5)};
    for (std::size_t o = 0; o < to.outputs; ++o) {
      rows.push_back(byte_row(linear.weight.data() + o * to.inputs, to.inputs));
      const double worth = step * rows[o].step;
      to.scale.data()[o] = static_cast<Real>(worth);
      to.bias.data()[o] = static_cast<Real>(linear.bias[o] - worth * zero * static_cast<double>(rows[o].sum));
    }
  }
  to.weight = AlignedBuffer<typename Traits<A>::Unit>(padded * to.steps);
  pack_weights(linear, to, rows);
  return to;
}

}  // namespace

template <Arithmetic A>
PackedNetwork<A> pack(const std::vector<DenseLayer>& layers, const InputScaling& before, const OutputScaling& after,
                      const std::vector<InputRange>& ranges, Instructions set) {
  PackedNetwork<A> network;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const InputRange range = l < ranges.size() ? ranges[l] : InputRange{};
    network.layers.push_back(pack_layer<A>(layers[l], block_shape<A>(set).outputs, range));
    if (l + 1 < layers.size()) network.widest = std::max(network.widest, network.layers.back().bias.size());
  }
  if (network.layers.front().inputs > input_chunk) network.summed = network.layers.front().bias.size();
  network.divide = before.divide;
  network.in_f4 = pack_input<float>(before);
  network.in_f8 = pack_input<double>(before);
  network.out_f4 = pack_scaling<float>(after.minimum, after.range);
  network.out_f8 = pack_scaling<double>(after.minimum, after.range);
  network.rounding = after.rounding;
  return network;
}

template PackedNetwork<Arithmetic::Float64> pack(const std::vector<DenseLayer>&, const InputScaling&,
                                                 const OutputScaling&, const std::vector<InputRange>&, Instructions);
template PackedNetwork<Arithmetic::Float32> pack(const std::vector<DenseLayer>&, const InputScaling&,
                                                 const OutputScaling&, const std::vector<InputRange>&, Instructions);
template PackedNetwork<Arithmetic::BFloat16> pack(const std::vector<DenseLayer>&, const InputScaling&,
                                                  const OutputScaling&, const std::vector<InputRange>&, Instructions);
template PackedNetwork<Arithmetic::Int8> pack(const std::vector<DenseLayer>&, const InputScaling&, const OutputScaling&,
                                              const std::vector<InputRange>&, Instructions);

}  // namespace haywatt::baler::dense
