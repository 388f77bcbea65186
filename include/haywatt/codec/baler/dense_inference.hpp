/// Inference of dense networks as fast as the machine allows: normalisation, all layers and un-normalisation of a block
/// of rows while it is in cache.
///
/// Float64, Float32 and Int8 give the same bits on every machine and with every instruction set: each sum runs from the
/// bias over the inputs in their order, every multiply-add fused (IEEE 754 fma). That is another order of roundings
/// than that of Network (codec/baler/network.hpp), which .hay files rely on. Against the exact sum the relative error
/// stays near 1e-15 (Float64) and 1e-7 (Float32).
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "haywatt/codec/baler/instructions.hpp"
#include "haywatt/codec/baler/model.hpp"

namespace haywatt::baler {

/// What the layers compute in. Weights are rounded to it once.
/// BFloat16: products of bfloat16 weights and activations, summed in float. Int8: unsigned bytes with one step and zero
/// a layer, from a calibration sample, times signed bytes with one step an output, summed in int32. Biases, activation
/// functions, normalisation and un-normalisation stay in float.
enum class Arithmetic { Float64, Float32, BFloat16, Int8 };

enum class Activation { None, LeakyRelu, Relu };  ///< Relu and LeakyRelu let NaN pass, as torch's do

struct DenseLayer {
  Linear linear;
  Activation activation = Activation::None;
  double slope = 0.01;  ///< of LeakyRelu, for negative values
};

/// The encoder or decoder of Baler's AE: LeakyReLU after all layers but the last.
[[nodiscard]] std::vector<DenseLayer> autoencoder_layers(const std::vector<Linear>& half);

/// Rows of float or double values, row-major; `stride` values from one row to the next.
struct ConstRows {
  ConstRows(const float* values, std::size_t count, std::size_t row_stride)
      : f4(values), rows(count), stride(row_stride) {}
  ConstRows(const double* values, std::size_t count, std::size_t row_stride)
      : f8(values), rows(count), stride(row_stride) {}
  const float* f4 = nullptr;  ///< exactly one of f4 and f8 is set, unless rows is 0
  const double* f8 = nullptr;
  std::size_t rows, stride;
};
struct MutableRows {
  MutableRows(float* values, std::size_t count, std::size_t row_stride) : f4(values), rows(count), stride(row_stride) {}
  MutableRows(double* values, std::size_t count, std::size_t row_stride)
      : f8(values), rows(count), stride(row_stride) {}
  float* f4 = nullptr;
  double* f8 = nullptr;
  std::size_t rows, stride;
};

/// Baler's normalisation, (x - minimum) / range per column, computed in the type of the rows (float for float rows) and
/// only then converted to the arithmetic's type. Both vectors: one value a column, or empty for none.
struct InputScaling {
  std::vector<double> minimum = {}, range = {};
  bool divide = true;            ///< false: times 1/range, faster, up to 1 ulp away
  bool constant_to_zero = true;  ///< false, as Baler: a range of 0 gives 0/0 = NaN
};

enum class Rounding : std::uint8_t { None, Nearest, Truncate };  ///< Nearest: ties to even; Truncate: Baler's "int"

/// Baler's un-normalisation, y * range + minimum, in double if the arithmetic or the rows written are, else in float
/// (product and sum rounded by themselves, as numpy does); then the rounding. Empty vectors: none.
struct OutputScaling {
  std::vector<double> minimum = {}, range = {};
  std::vector<Rounding> rounding = {};  ///< one a column, or empty
};

/// A dense network ready to run. Immutable after construction: any number of threads may run it, each with a Scratch of
/// its own. Memory does not grow with the rows. NaN and infinities in a row pass through to that row only;
/// Int8 has none, and clamps to what its calibration saw (NaN to the low end).
class DenseInference {
 public:
  /// Working space of one thread, a few hundred kB for Baler's sizes.
  class Scratch {
   public:
    explicit Scratch(std::size_t bytes);
    Scratch(Scratch&&) = default;
    Scratch& operator=(Scratch&&) = default;
    [[nodiscard]] std::byte* data() noexcept { return start_; }  ///< aligned to 64 bytes

   private:
    std::vector<std::byte> storage_;
    std::byte* start_;
  };

  /// `calibration`: rows as run() takes them, for Int8 only, which needs them; at most 4,096 of them are looked at.
  /// Error(BadInput) if the layers do not fit each other, or a vector of a scaling not the columns; Error(Usage) for
  /// Int8 without rows; Error(Unavailable) if the processor lacks `set`.
  explicit DenseInference(const std::vector<DenseLayer>& layers, Arithmetic arithmetic, const InputScaling& before = {},
                          const OutputScaling& after = {}, const ConstRows* calibration = nullptr,
                          Instructions set = best_instructions());
  ~DenseInference();
  DenseInference(DenseInference&&) noexcept;
  DenseInference& operator=(DenseInference&&) noexcept;

  [[nodiscard]] std::size_t inputs() const noexcept;
  [[nodiscard]] std::size_t outputs() const noexcept;
  [[nodiscard]] std::uint64_t macs_per_row() const noexcept;  ///< multiply-accumulates of the linear layers
  [[nodiscard]] Scratch make_scratch() const;

  /// `x`: rows of inputs() values; `y`: as many rows of outputs() values, not overlapping x.
  void run(const ConstRows& x, const MutableRows& y, Scratch& scratch) const;
  /// The same with a scratch made for the call.
  void run(const ConstRows& x, const MutableRows& y) const;

 private:
  struct Implementation;
  std::unique_ptr<const Implementation> implementation_;
};

/// Runs the rows in chunks of `chunk_rows` on `threads` threads (haywatt/exec/pool.hpp), each chunk straight into its
/// place in `y`.
void run_chunks(const DenseInference& network, const ConstRows& x, const MutableRows& y, int threads,
                std::size_t chunk_rows = 4096);

/// How far one network's results are from another's on the same rows.
struct Deviation {
  double largest = 0;        ///< of |a - b|; rows where either is not finite are left out
  double rms = 0;            ///< root mean square of a - b
  double reference_rms = 0;  ///< of b about each column's mean: what rms is small against
};

/// `network` beside `reference`, usually the same layers in Float64, on `x`.
[[nodiscard]] Deviation deviation(const DenseInference& network, const DenseInference& reference, const ConstRows& x);

}  // namespace haywatt::baler
