#include "distributed/mpi/split_network.hpp"

#include <algorithm>
#include <optional>

#include "distributed/mpi/all_reduce.hpp"
#include "haywatt/base/error.hpp"

namespace haywatt::distributed {
namespace {

using baler::Activation;
using baler::Arithmetic;
using baler::ConstRows;
using baler::DenseInference;
using baler::DenseLayer;
using baler::MutableRows;
using Layers = std::vector<DenseLayer>;

constexpr int count_tag = 1, rows_tag = 2, result_tag = 3, sum_tag = 4;

template <class T>
const T* values_of(const ConstRows& x) {
  if constexpr (sizeof(T) == 8) {
    return x.f8;
  } else {
    return x.f4;
  }
}
template <class T>
T* values_of(const MutableRows& y) {
  if constexpr (sizeof(T) == 8) {
    return y.f8;
  } else {
    return y.f4;
  }
}

/// The parts in which `rows` rows go through the network.
std::vector<Range> parts_of(std::uint64_t rows, std::uint64_t micro_batch) {
  std::vector<Range> parts;
  for (std::uint64_t first = 0; first < rows; first += micro_batch)
    parts.push_back({first, std::min(rows, first + micro_batch)});
  return parts;
}

/// Layers one after the other on ranks one after the other, GPipe's way: rank 0 begins and gets the results.
template <class T>
class Pipeline final : public SplitNetwork {
 public:
  Pipeline(const Layers& layers, Arithmetic arithmetic, std::uint64_t micro_batch, Channel& channel)
      : SplitNetwork(channel), micro_batch_(micro_batch), outputs_(layers.back().linear.outputs) {
    std::vector<LayerShape> shapes;
    for (const DenseLayer& l : layers) shapes.push_back({l.linear.inputs, l.linear.outputs, false});
    // With more ranks than layers the last ones have none.
    const std::vector<Range> stages = balanced_stages(shapes, channel.ranks());
    used_ = static_cast<int>(std::count_if(stages.begin(), stages.end(), [](const Range& s) { return s.size() > 0; }));
    const Range mine = stages[channel.rank()];
    if (mine.size() > 0)
      stage_.emplace(Layers(layers.begin() + static_cast<std::ptrdiff_t>(mine.begin),
                            layers.begin() + static_cast<std::ptrdiff_t>(mine.end)),
                     arithmetic);
  }

  void run(const ConstRows& x, const MutableRows& y) override {
    if (used_ == 1) return stage_->run(x, y);
    announce(x.rows);
    const std::vector<Range> parts = parts_of(x.rows, micro_batch_);
    std::vector<Transfer> sent(parts.size()), results(parts.size());
    for (std::size_t i = 0; i < parts.size(); ++i)
      channel_.receive(used_ - 1, result_tag, values_of<T>(y) + parts[i].begin * outputs_,
                       parts[i].size() * outputs_ * sizeof(T), results[i]);
    held_.resize(x.rows * stage_->outputs());
    for (std::size_t i = 0; i < parts.size(); ++i) {
      T* border = held_.data() + parts[i].begin * stage_->outputs();
      compute(values_of<T>(x) + parts[i].begin * stage_->inputs(), border, parts[i].size());
      channel_.send(1, rows_tag, border, parts[i].size() * stage_->outputs() * sizeof(T), sent[i]);
    }
    for (Transfer& t : sent) channel_.wait(t);
    for (Transfer& t : results) channel_.wait(t);
  }

 protected:
  void serve_rows(std::uint64_t rows) override {
    if (!stage_) return;
    const bool last = channel_.rank() == used_ - 1;
    struct Buffers {
      std::vector<T> x, y;
      Transfer received, sent;
    } buffers[2];
    const std::vector<Range> parts = parts_of(rows, micro_batch_);
    const auto post = [&](std::size_t i) {
      if (i >= parts.size()) return;
      Buffers& b = buffers[i % 2];
      b.x.resize(parts[i].size() * stage_->inputs());
      channel_.receive(channel_.rank() - 1, rows_tag, b.x.data(), b.x.size() * sizeof(T), b.received);
    };
    post(0);
    for (std::size_t i = 0; i < parts.size(); ++i) {
      post(i + 1);
      Buffers& b = buffers[i % 2];
      if (i >= 2) channel_.wait(b.sent);
      channel_.wait(b.received);
      b.y.resize(parts[i].size() * stage_->outputs());
      compute(b.x.data(), b.y.data(), parts[i].size());
      channel_.send(last ? 0 : channel_.rank() + 1, last ? result_tag : rows_tag, b.y.data(), b.y.size() * sizeof(T),
                    b.sent);
    }
    for (std::size_t i = 0; i < std::min<std::size_t>(2, parts.size()); ++i) channel_.wait(buffers[i].sent);
  }

 private:
  void compute(const T* x, T* y, std::uint64_t rows) const {
    stage_->run(ConstRows(x, rows, stage_->inputs()), MutableRows(y, rows, stage_->outputs()));
  }

  std::uint64_t micro_batch_, outputs_;
  int used_ = 1;  ///< ranks that have layers: the first ones
  std::optional<DenseInference> stage_;
  std::vector<T> held_;  ///< what rank 0 sends, of all parts
};

/// Layers in pairs, Megatron-LM's way: of the first each rank has a slice of the outputs, of the second the same slice
/// of the inputs; then the ranks' sums are added up. A layer left over is sliced by its inputs.
template <class T>
class Tensor final : public SplitNetwork {
 public:
  Tensor(const Layers& layers, Arithmetic arithmetic, std::uint64_t micro_batch, Channel& channel)
      : SplitNetwork(channel), micro_batch_(micro_batch), inputs_(layers.front().linear.inputs) {
    for (std::size_t l = 0; l < layers.size(); l += 2) {
      const bool paired = l + 1 < layers.size();
      const DenseLayer& summed = layers[paired ? l + 1 : l];
      Step step;
      step.inputs = layers[l].linear.inputs;
      step.outputs = summed.linear.outputs;
      step.activation = summed.activation;
      step.slope = static_cast<T>(summed.slope);
      const Range slice = part_of(summed.linear.inputs, channel.ranks(), channel.rank());
      step.first_input = paired ? 0 : slice.begin;
      if (slice.size() > 0) {
        Layers mine;
        if (paired) mine.push_back(some_outputs(layers[l], slice));
        mine.push_back(some_inputs(summed, slice));
        step.network.emplace(mine, arithmetic);
      }
      steps_.push_back(std::move(step));
    }
  }

  void run(const ConstRows& x, const MutableRows& y) override {
    announce(x.rows);
    const std::vector<Range> parts = parts_of(x.rows, micro_batch_);
    std::vector<Transfer> sent(parts.size() * static_cast<std::size_t>(channel_.ranks() - 1));
    auto transfer = sent.begin();
    for (const Range& part : parts)
      for (int to = 1; to < channel_.ranks(); ++to)
        channel_.send(to, rows_tag, values_of<T>(x) + part.begin * inputs_, part.size() * inputs_ * sizeof(T),
                      *transfer++);
    for (const Range& part : parts) {
      const std::vector<T>& result = compute(values_of<T>(x) + part.begin * inputs_, part.size());
      std::copy(result.begin(), result.end(), values_of<T>(y) + part.begin * steps_.back().outputs);
    }
    for (Transfer& t : sent) channel_.wait(t);
  }

 protected:
  void serve_rows(std::uint64_t rows) override {
    std::vector<T> x;
    for (const Range& part : parts_of(rows, micro_batch_)) {
      x.resize(part.size() * inputs_);
      Transfer received;
      channel_.receive(0, rows_tag, x.data(), x.size() * sizeof(T), received);
      channel_.wait(received);
      compute(x.data(), part.size());
    }
  }

 private:
  struct Step {
    std::optional<DenseInference> network;  ///< none where there are more ranks than values to share out
    std::uint64_t inputs = 0, outputs = 0, first_input = 0;
    Activation activation = Activation::None;
    T slope = 0;
  };

  static DenseLayer some_outputs(const DenseLayer& layer, Range slice) {
    const auto at = [](const std::vector<double>& v, std::uint64_t i) {
      return v.begin() + static_cast<std::ptrdiff_t>(i);
    };
    const baler::Linear& l = layer.linear;
    DenseLayer d = layer;
    d.linear.outputs = static_cast<std::uint32_t>(slice.size());
    d.linear.weight.assign(at(l.weight, slice.begin * l.inputs), at(l.weight, slice.end * l.inputs));
    d.linear.bias.assign(at(l.bias, slice.begin), at(l.bias, slice.end));
    return d;
  }

  /// Rank 0's part has the bias; the activation waits for the sum.
  DenseLayer some_inputs(const DenseLayer& layer, Range slice) const {
    const baler::Linear& l = layer.linear;
    DenseLayer d;
    d.linear.inputs = static_cast<std::uint32_t>(slice.size());
    d.linear.outputs = l.outputs;
    for (std::uint64_t o = 0; o < l.outputs; ++o)
      for (std::uint64_t i = slice.begin; i < slice.end; ++i) d.linear.weight.push_back(l.weight[o * l.inputs + i]);
    d.linear.bias = channel_.rank() == 0 ? l.bias : std::vector<double>(l.outputs, 0.0);
    return d;
  }

  static void activate(const Step& step, std::vector<T>& values) {
    // NaN passes both, as in DenseInference.
    if (step.activation == Activation::LeakyRelu)
      for (T& v : values) v = v > T{0} ? v : v * step.slope;
    if (step.activation == Activation::Relu)
      for (T& v : values) v = v < T{0} ? T{0} : v;
  }

  /// The network's results for these rows, on every rank.
  const std::vector<T>& compute(const T* x, std::uint64_t rows) {
    std::size_t now = 0;
    for (const Step& step : steps_) {
      std::vector<T>& y = activations_[now];
      y.assign(rows * step.outputs, T{0});
      if (step.network)
        step.network->run(ConstRows(x + step.first_input, rows, step.inputs),
                          MutableRows(y.data(), rows, step.outputs));
      all_reduce(channel_, sum_tag, y.data(), y.size(), partial_);
      activate(step, y);
      x = y.data();
      now = 1 - now;
    }
    return activations_[1 - now];
  }

  std::uint64_t micro_batch_, inputs_;
  std::vector<Step> steps_;
  std::vector<T> activations_[2], partial_;
};

template <class T>
std::unique_ptr<SplitNetwork> make_in(const Layers& layers, Arithmetic arithmetic, Layout layout,
                                      std::uint64_t micro_batch, Channel& channel) {
  if (layout == Layout::Tensor) return std::make_unique<Tensor<T>>(layers, arithmetic, micro_batch, channel);
  return std::make_unique<Pipeline<T>>(layers, arithmetic, micro_batch, channel);
}

}  // namespace

void SplitNetwork::announce(std::uint64_t rows) {
  std::vector<Transfer> sent(static_cast<std::size_t>(channel_.ranks()));
  for (int to = 1; to < channel_.ranks(); ++to) channel_.send(to, count_tag, &rows, sizeof rows, sent[to]);
  for (int to = 1; to < channel_.ranks(); ++to) channel_.wait(sent[to]);
}

void SplitNetwork::release() { announce(0); }

void SplitNetwork::serve() {
  for (;;) {
    std::uint64_t rows = 0;
    Transfer told;
    channel_.receive(0, count_tag, &rows, sizeof rows, told);
    channel_.wait(told);
    if (rows == 0) return;
    serve_rows(rows);
  }
}

std::unique_ptr<SplitNetwork> make_split_network(const Layers& layers, Arithmetic arithmetic, Layout layout,
                                                 std::uint64_t micro_batch, Channel& channel) {
  if (micro_batch < 1) fail_usage("a micro-batch of 0 rows: at least 1 is needed");
  if (arithmetic == Arithmetic::Float64) return make_in<double>(layers, arithmetic, layout, micro_batch, channel);
  return make_in<float>(layers, arithmetic, layout, micro_batch, channel);
}

}  // namespace haywatt::distributed
