#include <ATen/Parallel.h>

#include <barrier>
#include <exception>
#include <map>
#include <thread>
#include <utility>

#include "torch/elementwise.hpp"
#include "torch/loop_costs.hpp"
#include "torch/training_step.hpp"

namespace haywatt::torch_plugin {
namespace {

/// What one thread needs: gradients of its own, and buffers for a batch of its size.
template <class T>
class Replica {
 public:
  explicit Replica(const Parameters& parameters) : parameters_(parameters) {
    gradients_ = parameters.make_like(gradient_);
    for (const Layer& layer : parameters.layers()) transposed_.push_back(layer.weight.t());
  }

  /// Fills gradient() and returns the loss; `x` may have no rows.
  double run(const at::Tensor& x, bool with_gradients) {
    const std::int64_t rows = x.size(0);
    if (rows == 0) {
      gradient_.zero_();
      return 0.0;
    }
    Buffers& b = buffers(rows);
    const std::size_t layers = parameters_.layers().size();
    for (std::size_t i = 0; i < layers; ++i) {
      const LayerWatch layer(parameters_.watched()[i]);
      at::mm_out(b.outputs[i], i == 0 ? x : b.outputs[i - 1], transposed_[i]);
      const LoopWatch loop(parameters_.activated(i) ? "haywatt::add_bias_leaky_relu" : "haywatt::add_bias",
                           parameters_.dtype(), bias_cost(b.outputs[i], parameters_.activated(i)));
      add_bias(data(b.outputs[i]), data(parameters_.layers()[i].bias), as_size(rows), columns(i),
               parameters_.activated(i));
    }
    double loss = 0.0;
    {
      const LoopWatch loop("haywatt::loss_and_gradient", parameters_.dtype(), loss_cost(x));
      loss = loss_and_gradient(data(b.outputs[layers - 1]), x.data_ptr<T>(), data(b.gradients[layers - 1]),
                               as_size(rows), columns(layers - 1));
    }
    if (!with_gradients) return loss;
    for (std::size_t i = layers; i-- > 0;) {
      at::Tensor& g = b.gradients[i];
      const LayerWatch layer(parameters_.watched()[i]);
      const BackwardWatch backward;
      {
        const LoopWatch loop("haywatt::activation_and_bias (backward)", parameters_.dtype(),
                             activation_gradient_cost(g, parameters_.activated(i)));
        activation_gradient(data(g), parameters_.activated(i) ? data(b.outputs[i]) : nullptr, data(gradients_[i].bias),
                            as_size(rows), columns(i));
      }
      at::mm_out(gradients_[i].weight, b.gradients_transposed[i], i == 0 ? x : b.outputs[i - 1]);
      if (i > 0) at::mm_out(b.gradients[i - 1], g, parameters_.layers()[i].weight);
    }
    return loss;
  }

  [[nodiscard]] const T* gradient() const { return gradient_.data_ptr<T>(); }
  [[nodiscard]] T* gradient() { return gradient_.data_ptr<T>(); }

 private:
  struct Buffers {
    std::vector<at::Tensor> outputs, gradients, gradients_transposed;
  };

  static T* data(const at::Tensor& t) { return t.data_ptr<T>(); }
  static std::size_t as_size(std::int64_t n) { return static_cast<std::size_t>(n); }
  [[nodiscard]] std::size_t columns(std::size_t layer) const {
    return as_size(parameters_.layers()[layer].weight.size(0));
  }

  /// Made once for the full batch and once for the last, smaller one.
  Buffers& buffers(std::int64_t rows) {
    Buffers& b = buffers_[rows];
    if (!b.outputs.empty()) return b;
    for (const Layer& layer : parameters_.layers()) {
      b.outputs.push_back(at::empty({rows, layer.weight.size(0)}, layer.weight.options()));
      b.gradients.push_back(at::empty_like(b.outputs.back()));
      b.gradients_transposed.push_back(b.gradients.back().t());
    }
    return b;
  }

  const Parameters& parameters_;
  std::vector<at::Tensor> transposed_;
  at::Tensor gradient_;
  std::vector<Layer> gradients_;
  std::map<std::int64_t, Buffers> buffers_;
};

template <class T>
class FusedStep final : public TrainingStep {
 public:
  FusedStep(const Parameters& parameters, int replicas)
      : parameters_(parameters),
        mean_(at::zeros_like(parameters.flat())),
        square_(at::zeros_like(parameters.flat())),
        losses_(static_cast<std::size_t>(replicas)),
        errors_(losses_.size()),
        meeting_(replicas) {
    for (int i = 0; i < replicas; ++i) replicas_.emplace_back(parameters);
    // The plug-in cannot reach the program's thread pool; these threads meet four times a batch and sleep between.
    for (std::size_t i = 1; i < replicas_.size(); ++i) threads_.emplace_back([this, i] { follow(i); });
  }

  ~FusedStep() override {
    if (threads_.empty()) return;
    task_ = Task::Leave;
    meeting_.arrive_and_wait();
    for (std::thread& thread : threads_) thread.join();
  }

  void step(const at::Tensor& x, double lr) override {
    factors_.set_step(++steps_, lr);
    together(x, Task::Step);
  }

  void evaluate(const at::Tensor& x) override { together(x, Task::Loss); }
  double take_loss() override { return std::exchange(loss_, 0.0); }

 private:
  enum class Task { Step, Loss, Leave };

  void together(const at::Tensor& x, Task task) {
    x_ = x;
    task_ = task;
    weight_ = watch_weight();
    if (!threads_.empty()) meeting_.arrive_and_wait();
    work(0);
    double sum = 0.0;
    for (const double loss : losses_) sum += loss;
    loss_ += sum;
    for (std::exception_ptr& error : errors_)
      if (error) std::rethrow_exception(std::exchange(error, nullptr));
  }

  void follow(std::size_t i) {
    const c10::InferenceMode no_graph;
    at::init_num_threads();
    const ThreadWatch watching;
    while (true) {
      meeting_.arrive_and_wait();
      if (task_ == Task::Leave) return;
      const WeightWatch weight(weight_);
      work(i);
    }
  }

  /// What replica i does for one batch: its rows, then its part of the weights.
  void work(std::size_t i) {
    const auto count = static_cast<std::int64_t>(replicas_.size());
    const auto me = static_cast<std::int64_t>(i);
    const std::int64_t rows = x_.size(0);
    try {
      const at::Tensor mine = count == 1 ? x_ : x_.slice(0, rows * me / count, rows * (me + 1) / count);
      losses_[i] = replicas_[i].run(mine, task_ == Task::Step);
    } catch (...) {
      errors_[i] = std::current_exception();
    }
    if (count > 1) meeting_.arrive_and_wait();
    if (task_ == Task::Step) {
      const std::int64_t all = parameters_.flat().numel();
      update(static_cast<std::size_t>(all * me / count), static_cast<std::size_t>(all * (me + 1) / count));
    }
    if (count > 1) meeting_.arrive_and_wait();
  }

  void update(std::size_t first, std::size_t last) {
    T* gradient = replicas_[0].gradient();
    const LoopWatch loop("haywatt::adam", parameters_.dtype(),
                         adam_cost(static_cast<std::int64_t>(last - first), parameters_, replicas_.size()));
    for (std::size_t k = 1; k < replicas_.size(); ++k)
      add(gradient + first, replicas_[k].gradient() + first, last - first);
    adam(parameters_.flat().template data_ptr<T>() + first, mean_.data_ptr<T>() + first, square_.data_ptr<T>() + first,
         gradient + first, last - first, factors_);
  }

  const Parameters& parameters_;
  at::Tensor mean_, square_, x_;
  AdamFactors factors_;
  std::int64_t steps_ = 0;
  double loss_ = 0.0, weight_ = 0.0;
  std::vector<Replica<T>> replicas_;
  std::vector<double> losses_;
  std::vector<std::exception_ptr> errors_;
  Task task_ = Task::Step;
  std::barrier<> meeting_;
  std::vector<std::thread> threads_;
};

}  // namespace

std::unique_ptr<TrainingStep> make_fused_step(const Parameters& parameters, int replicas) {
  if (parameters.flat().scalar_type() == at::kFloat) return std::make_unique<FusedStep<float>>(parameters, replicas);
  return std::make_unique<FusedStep<double>>(parameters, replicas);
}

}  // namespace haywatt::torch_plugin
