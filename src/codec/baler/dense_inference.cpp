#include "haywatt/codec/baler/dense_inference.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <string>
#include <tuple>
#include <utility>

#include "codec/baler/dense/packed.hpp"
#include "codec/baler/scratch_pool.hpp"
#include "codec/baler/step_times.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/base/operator.hpp"
#include "haywatt/exec/pool.hpp"

namespace haywatt::baler {
namespace {

void check_layers(const std::vector<DenseLayer>& layers) {
  if (layers.empty()) fail_input("a network without layers");
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const Linear& l = layers[i].linear;
    const std::string where = "layer " + std::to_string(i + 1);
    if (l.inputs == 0 || l.outputs == 0) fail_input(where + " has no inputs or no outputs");
    if (l.weight.size() != std::size_t{l.inputs} * l.outputs || l.bias.size() != l.outputs)
      fail_input(where + " has not as many weights as its size asks for");
    if (i > 0 && layers[i - 1].linear.outputs != l.inputs)
      fail_input(where + " takes " + std::to_string(l.inputs) + " values, the layer before gives " +
                 std::to_string(layers[i - 1].linear.outputs));
  }
}

void check_scaling(const std::vector<double>& minimum, const std::vector<double>& range, std::size_t columns,
                   const char* what) {
  if (minimum.size() != range.size() || (!minimum.empty() && minimum.size() != columns))
    fail_input(std::string(what) + " has " + std::to_string(minimum.size()) + " minima and " +
               std::to_string(range.size()) + " ranges for " + std::to_string(columns) + " columns");
}

}  // namespace

std::vector<DenseLayer> autoencoder_layers(const std::vector<Linear>& half) {
  std::vector<DenseLayer> layers;
  for (const Linear& linear : half) {
    const bool last = layers.size() + 1 == half.size();
    layers.push_back({linear, last ? Activation::None : Activation::LeakyRelu, 0.01});
  }
  return layers;
}

namespace {

using dense::InputRange;

/// What the class needs of a packed network, whatever its arithmetic.
class Runner {
 public:
  virtual ~Runner() = default;
  virtual void run(const ConstRows& x, const MutableRows& y, std::byte* scratch, StepTimes* times) const = 0;
  [[nodiscard]] virtual std::size_t scratch_bytes() const = 0;
};

// BFloat16 and Int8 have their instructions only in some processors with AVX-512; the rest do better with AVX2.
Instructions set_for(Arithmetic arithmetic, Instructions set) {
#if defined(__x86_64__)
  if (set != Instructions::Avx512) return set;
  if (arithmetic == Arithmetic::BFloat16 && !__builtin_cpu_supports("avx512bf16")) return Instructions::Avx2;
  if (arithmetic == Arithmetic::Int8 && !__builtin_cpu_supports("avx512vnni")) return Instructions::Avx2;
#endif
  static_cast<void>(arithmetic);
  return set;
}

template <Arithmetic A>
dense::RunRows<A> find_kernel(Instructions set) {
#if defined(__x86_64__)
  if (set == Instructions::Avx512) {
    if constexpr (A == Arithmetic::BFloat16)
      return dense::avx512_bf16::run_rows<A>;
    else if constexpr (A == Arithmetic::Int8)
      return dense::avx512_vnni::run_rows<A>;
    else
      return dense::avx512::run_rows<A>;
  }
  if (set == Instructions::Avx2) return dense::avx2::run_rows<A>;
#endif
  static_cast<void>(set);
  return dense::portable::run_rows<A>;
}

template <Arithmetic A>
class RunnerOf : public Runner {
 public:
  RunnerOf(dense::PackedNetwork<A> network, Instructions set)
      : network_(std::move(network)),
        kernel_(find_kernel<A>(set)),
        scratch_bytes_(dense::ScratchLayout<A>(network_, set).bytes) {}
  void run(const ConstRows& x, const MutableRows& y, std::byte* scratch, StepTimes* times) const override {
    kernel_(network_, x, y, scratch, times);
  }
  [[nodiscard]] std::size_t scratch_bytes() const override { return scratch_bytes_; }

 private:
  dense::PackedNetwork<A> network_;
  dense::RunRows<A> kernel_;
  std::size_t scratch_bytes_;
};

InputRange range_of(const std::vector<float>& values) {
  InputRange range;  // with 0 in it, so that 0 is exact
  for (const float v : values) {
    if (!std::isfinite(v)) continue;
    range.low = std::min<double>(range.low, v);
    range.high = std::max<double>(range.high, v);
  }
  return range;
}

/// The range of every layer's input over the rows, by running the layers before it in Float64: rounded to float, its
/// results do not depend on the instructions.
std::vector<InputRange> calibrate(const std::vector<DenseLayer>& layers, const InputScaling& before,
                                  const ConstRows& rows, Instructions set) {
  ConstRows sample = rows;
  sample.rows = std::min<std::size_t>(sample.rows, 4096);
  std::vector<InputRange> ranges;
  std::vector<float> normalised;
  for (std::size_t r = 0; r < sample.rows; ++r) {
    for (std::size_t i = 0; i < layers.front().linear.inputs; ++i) {
      double x = sample.f8 ? sample.f8[r * sample.stride + i] : static_cast<double>(sample.f4[r * sample.stride + i]);
      if (!before.minimum.empty()) x = before.range[i] == 0 ? 0.0 : (x - before.minimum[i]) / before.range[i];
      normalised.push_back(static_cast<float>(x));
    }
  }
  ranges.push_back(range_of(normalised));
  for (std::size_t l = 1; l < layers.size(); ++l) {
    const std::vector<DenseLayer> first(layers.begin(), layers.begin() + l);
    const std::size_t columns = first.back().linear.outputs;
    std::vector<float> values(sample.rows * columns);
    DenseInference(first, Arithmetic::Float64, before, {}, nullptr, set)
        .run(sample, {values.data(), sample.rows, columns});
    ranges.push_back(range_of(values));
  }
  return ranges;
}

}  // namespace

struct DenseInference::Implementation {
  std::size_t inputs = 0, outputs = 0;
  std::uint64_t macs = 0;
  std::unique_ptr<const Runner> runner;
  // For whoever profiles:
  struct Step {
    std::size_t inputs, outputs;
    bool leaky;
    std::string name, layer;
  };
  std::vector<Step> steps;
  const char* dtype = "f64";
  std::size_t value_B = 8;

  void run_profiled(const ConstRows& x, const MutableRows& y, std::byte* scratch) const;
};

void DenseInference::Implementation::run_profiled(const ConstRows& x, const MutableRows& y, std::byte* scratch) const {
  const ScopedOperator whole({"network", "", dtype}, {0.0, 0.0, 0.0, 0.0, 0.0, 0.0});
  StepTimes times(steps.size());
  runner->run(x, y, scratch, &times);
  for (std::size_t i = 0; i < steps.size(); ++i)
    announce_step(steps[i].name, steps[i].layer, dtype,
                  dense_cost(steps[i].inputs, steps[i].outputs, steps[i].leaky, x.rows, value_B), times, i);
}

DenseInference::Scratch::Scratch(std::size_t bytes) : storage_(bytes + 64) {
  void* start = storage_.data();
  std::size_t space = storage_.size();
  start_ = static_cast<std::byte*>(std::align(64, bytes, start, space));
}

DenseInference::DenseInference(const std::vector<DenseLayer>& layers, Arithmetic arithmetic, const InputScaling& before,
                               const OutputScaling& after, const ConstRows* calibration, Instructions set) {
  if (!supported(set)) fail_unavailable("this processor lacks the instructions asked for");
  check_layers(layers);
  const std::size_t columns = layers.back().linear.outputs;
  check_scaling(before.minimum, before.range, layers.front().linear.inputs, "the normalisation");
  check_scaling(after.minimum, after.range, columns, "the un-normalisation");
  if (!after.rounding.empty() && after.rounding.size() != columns)
    fail_input("rounding is given for " + std::to_string(after.rounding.size()) + " of " + std::to_string(columns) +
               " columns");
  auto made = std::make_unique<Implementation>();
  made->inputs = layers.front().linear.inputs;
  made->outputs = columns;
  for (const DenseLayer& layer : layers) {
    made->macs += std::uint64_t{layer.linear.inputs} * layer.linear.outputs;
    const bool first = &layer == &layers.front(), last = &layer == &layers.back();
    const char* activation = layer.activation == Activation::LeakyRelu ? " + leaky_relu"
                             : layer.activation == Activation::Relu    ? " + relu"
                                                                       : "";
    made->steps.push_back({layer.linear.inputs, layer.linear.outputs, layer.activation == Activation::LeakyRelu,
                           std::string(first && !before.minimum.empty() ? "normalise + " : "") + "dense" + activation +
                               (last && !after.minimum.empty() ? " + un-normalise" : ""),
                           "layer." + std::to_string(made->steps.size())});
  }
  static constexpr std::array<std::pair<const char*, std::size_t>, 4> types = {
      {{"f64", 8}, {"f32", 4}, {"bf16", 2}, {"int8", 1}}};
  std::tie(made->dtype, made->value_B) = types[static_cast<std::size_t>(arithmetic)];
  std::vector<InputRange> ranges;
  if (arithmetic == Arithmetic::Int8) {
    if (calibration == nullptr || calibration->rows == 0) fail_usage("int8 arithmetic needs rows to calibrate on");
    ranges = calibrate(layers, before, *calibration, set);
  }
  const Instructions used = set_for(arithmetic, set);
  const auto make = [&]<Arithmetic A>() {
    made->runner = std::make_unique<RunnerOf<A>>(dense::pack<A>(layers, before, after, ranges, used), used);
  };
  switch (arithmetic) {
    case Arithmetic::Float64:
      make.template operator()<Arithmetic::Float64>();
      break;
    case Arithmetic::Float32:
      make.template operator()<Arithmetic::Float32>();
      break;
    case Arithmetic::BFloat16:
      make.template operator()<Arithmetic::BFloat16>();
      break;
    case Arithmetic::Int8:
      make.template operator()<Arithmetic::Int8>();
      break;
  }
  implementation_ = std::move(made);
}

DenseInference::~DenseInference() = default;
DenseInference::DenseInference(DenseInference&&) noexcept = default;
DenseInference& DenseInference::operator=(DenseInference&&) noexcept = default;

std::size_t DenseInference::inputs() const noexcept { return implementation_->inputs; }
std::size_t DenseInference::outputs() const noexcept { return implementation_->outputs; }
std::uint64_t DenseInference::macs_per_row() const noexcept { return implementation_->macs; }

DenseInference::Scratch DenseInference::make_scratch() const {
  return Scratch(implementation_->runner->scratch_bytes());
}

void DenseInference::run(const ConstRows& x, const MutableRows& y, Scratch& scratch) const {
  if (x.rows != y.rows) fail_input("as many rows must go out of the network as go in");
  if (x.rows == 0) return;
  if (operator_listener() == nullptr) return implementation_->runner->run(x, y, scratch.data(), nullptr);
  implementation_->run_profiled(x, y, scratch.data());
}

void DenseInference::run(const ConstRows& x, const MutableRows& y) const {
  Scratch scratch = make_scratch();
  run(x, y, scratch);
}

void run_chunks(const DenseInference& network, const ConstRows& x, const MutableRows& y, int threads,
                std::size_t chunk_rows) {
  if (x.rows != y.rows) fail_input("as many rows must go out of the network as go in");
  chunk_rows = std::max<std::size_t>(chunk_rows, 1);
  ScratchPool scratches;
  exec::parallel_for((x.rows + chunk_rows - 1) / chunk_rows, threads, [&](std::uint64_t chunk) {
    const std::size_t first = chunk * chunk_rows;
    ConstRows from = x;
    MutableRows to = y;
    from.rows = to.rows = std::min(chunk_rows, x.rows - first);
    if (from.f4) from.f4 += first * x.stride;
    if (from.f8) from.f8 += first * x.stride;
    if (to.f4) to.f4 += first * y.stride;
    if (to.f8) to.f8 += first * y.stride;
    scratches.run(network, from, to);
  });
}

Deviation deviation(const DenseInference& network, const DenseInference& reference, const ConstRows& x) {
  const std::size_t columns = reference.outputs();
  if (network.outputs() != columns || network.inputs() != reference.inputs())
    fail_input("two networks of different sizes cannot be compared");
  std::vector<double> a(x.rows * columns), b(x.rows * columns);
  network.run(x, {a.data(), x.rows, columns});
  reference.run(x, {b.data(), x.rows, columns});
  Deviation found;
  double squares = 0, spread = 0, counted = 0;
  for (std::size_t c = 0; c < columns; ++c) {
    double sum = 0, sum_of_squares = 0, count = 0;
    for (std::size_t i = c; i < b.size(); i += columns) {
      if (!std::isfinite(a[i]) || !std::isfinite(b[i])) continue;
      const double difference = a[i] - b[i];
      found.largest = std::max(found.largest, std::fabs(difference));
      squares += difference * difference;
      sum += b[i];
      sum_of_squares += b[i] * b[i];
      ++count;
    }
    if (count > 0) spread += sum_of_squares - sum * sum / count;
    counted += count;
  }
  if (counted > 0) {
    found.rms = std::sqrt(squares / counted);
    found.reference_rms = std::sqrt(std::max(spread, 0.0) / counted);
  }
  return found;
}

}  // namespace haywatt::baler
