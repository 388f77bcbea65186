/// A network's weights in the order in which the kernels of dense inference read them.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "codec/baler/network.hpp"
#include "codec/baler/step_times.hpp"
#include "haywatt/codec/baler/dense_inference.hpp"

namespace haywatt::baler::dense {

/// What an arithmetic computes with. A unit is what one lane multiplies in one step: `group` consecutive inputs.
template <Arithmetic A>
struct Traits {
  using Real = std::conditional_t<A == Arithmetic::Float64, double, float>;  ///< of biases and results
  using Unit = std::conditional_t<A == Arithmetic::Float64, double,
                                  std::conditional_t<A == Arithmetic::Float32, float, std::uint32_t>>;
  static constexpr std::size_t group = A == Arithmetic::BFloat16 ? 2 : A == Arithmetic::Int8 ? 4 : 1;
};

/// A kernel's tile: two vectors of rows by up to `outputs` outputs stay in registers over a whole sum.
struct BlockShape {
  std::size_t rows;     ///< rows that go through the network together; lanes run over rows
  std::size_t outputs;  ///< a multiple of the group
};

[[nodiscard]] constexpr std::size_t vector_bytes(Instructions set) {
  return set == Instructions::Avx512 ? 64 : set == Instructions::Avx2 ? 32 : 16;
}

template <Arithmetic A>
[[nodiscard]] constexpr BlockShape block_shape(Instructions set) {
  const std::size_t rows = 2 * vector_bytes(set) / sizeof(typename Traits<A>::Unit);
  // 24 sums of the 32 registers; 12 of 16, or 8 where a step needs registers besides.
  return {rows, set == Instructions::Avx512 ? 12U : set == Instructions::Avx2 && Traits<A>::group == 1 ? 6U : 4U};
}

/// Inputs that are normalised at a time, so that what a tile reads stays in the first cache.
inline constexpr std::size_t input_chunk = 128;
/// Outputs of the last layer that are computed before they are un-normalised and written.
inline constexpr std::size_t output_chunk = 96;

struct Tile {
  std::uint32_t first, outputs;  ///< whole groups; the last tile may reach beyond the layer's outputs
};

/// Int8: a value x of a layer's input is the byte of x * inverse_step + zero, rounded down; 0.5 is part of zero.
struct Quantisation {
  float inverse_step = 1, zero = 0;
};

template <Arithmetic A>
struct PackedLayer {
  using Real = typename Traits<A>::Real;
  using Unit = typename Traits<A>::Unit;
  std::size_t inputs = 0, outputs = 0;
  std::size_t steps = 0;  ///< units an input row has
  Activation activation = Activation::None;
  Real slope = 0;
  std::vector<Tile> tiles;     ///< of nearly equal size, so that none is too small to be fast
  AlignedBuffer<Unit> weight;  ///< tile after tile, each [step][output]
  AlignedBuffer<Real> bias;    ///< one an output, padded with 0 to whole groups
  AlignedBuffer<Real> scale;   ///< Int8: what a sum of products is worth, as many
  Quantisation quantisation;   ///< Int8: of this layer's input
};

/// Low and factor of a scaling in the type that computes it.
template <class T>
struct PackedScaling {
  AlignedBuffer<T> low, factor;  ///< empty: none
  [[nodiscard]] bool any() const { return low.size() > 0; }
};

template <Arithmetic A>
struct PackedNetwork {
  std::vector<PackedLayer<A>> layers;
  bool divide = true;
  PackedScaling<float> in_f4;  ///< for float rows
  PackedScaling<double> in_f8;
  PackedScaling<float> out_f4;  ///< where both the reals and the rows written are float
  PackedScaling<double> out_f8;
  std::vector<Rounding> rounding;  ///< empty, or one a column
  std::size_t widest = 0;          ///< padded outputs of a layer, over all but the last
  std::size_t summed = 0;          ///< padded outputs of the first layer if its inputs come in several chunks
};

/// The values that a layer's input takes, for Int8.
struct InputRange {
  double low = 0, high = 0;
};

/// `ranges`: one a layer for Int8, else not looked at.
template <Arithmetic A>
[[nodiscard]] PackedNetwork<A> pack(const std::vector<DenseLayer>& layers, const InputScaling& before,
                                    const OutputScaling& after, const std::vector<InputRange>& ranges,
                                    Instructions set);

/// Bytes of scratch that a kernel of this set needs, each part aligned to a cache line: the input chunk as read, as
/// units, two layers' units, the first layer's sums, the output chunk, and the same as written.
template <Arithmetic A>
struct ScratchLayout {
  std::size_t raw, units, a, b, sums, reals, written, bytes;
  ScratchLayout(const PackedNetwork<A>& network, Instructions set) {
    const std::size_t rows = block_shape<A>(set).rows;
    std::size_t at = 0;
    const auto part = [&](std::size_t values, std::size_t size) {
      const std::size_t start = at;
      at += (values * rows * size + 63) / 64 * 64;
      return start;
    };
    raw = part(input_chunk, sizeof(double));
    units = part(input_chunk, sizeof(double));
    a = part(network.widest, sizeof(typename Traits<A>::Unit));
    b = part(network.widest, sizeof(typename Traits<A>::Unit));
    sums = part(network.summed, sizeof(typename Traits<A>::Real));
    reals = part(output_chunk + 16, sizeof(double));
    written = part(output_chunk + 16, sizeof(double));
    bytes = at;
  }
};

/// Runs all rows. `scratch` is aligned to 64 bytes and as large as ScratchLayout says. `times`: null, or one step a
/// layer, to which its time is added: the first's with normalisation, the last's with un-normalisation.
template <Arithmetic A>
using RunRows = void (*)(const PackedNetwork<A>&, const ConstRows&, const MutableRows&, std::byte* scratch,
                         StepTimes* times);

namespace portable {
template <Arithmetic A>
void run_rows(const PackedNetwork<A>&, const ConstRows&, const MutableRows&, std::byte* scratch, StepTimes* times);
}
namespace avx2 {
template <Arithmetic A>
void run_rows(const PackedNetwork<A>&, const ConstRows&, const MutableRows&, std::byte* scratch, StepTimes* times);
}
namespace avx512 {
template <Arithmetic A>
void run_rows(const PackedNetwork<A>&, const ConstRows&, const MutableRows&, std::byte* scratch, StepTimes* times);
}
namespace avx512_bf16 {
template <Arithmetic A>
void run_rows(const PackedNetwork<A>&, const ConstRows&, const MutableRows&, std::byte* scratch, StepTimes* times);
}
namespace avx512_vnni {
template <Arithmetic A>
void run_rows(const PackedNetwork<A>&, const ConstRows&, const MutableRows&, std::byte* scratch, StepTimes* times);
}

}  // namespace haywatt::baler::dense
