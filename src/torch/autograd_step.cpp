#include <torch/optim/adam.h>

#include <tuple>

#include "torch/elementwise.hpp"
#include "torch/loop_costs.hpp"
#include "torch/tensor_adam.hpp"
#include "torch/training_step.hpp"

namespace haywatt::torch_plugin {
namespace {

class AutogradStep final : public TrainingStep {
 public:
  AutogradStep(const Parameters& parameters, const AutogradHabits& habits)
      : parameters_(parameters),
        habits_(habits),
        total_(at::zeros({}, parameters.flat().options().dtype(at::kDouble))) {
    std::vector<at::Tensor> leaves;
    for (const Layer& layer : parameters.layers()) {
      // The same memory, as leaves of autograd's graph.
      layers_.push_back({layer.weight.detach().requires_grad_(true), layer.bias.detach().requires_grad_(true)});
      leaves.push_back(layers_.back().weight);
      leaves.push_back(layers_.back().bias);
    }
    if (habits.plain_adam) {
      adam_ = std::make_unique<torch::optim::Adam>(
          leaves, torch::optim::AdamOptions(1e-3).betas(std::make_tuple(0.9, 0.999)).eps(1e-8));
    } else if (!parameters.flat().device().is_cpu()) {
      for (const at::Tensor& leaf : leaves) tensor_adams_.emplace_back(leaf.detach());
    } else {
      means_ = parameters.make_like(mean_);
      squares_ = parameters.make_like(square_);
    }
  }

  void step(const at::Tensor& x, double lr) override {
    zero_gradients();
    const at::Tensor loss = forward(x);
    loss.backward();
    if (adam_ != nullptr) {
      static_cast<torch::optim::AdamOptions&>(adam_->param_groups()[0].options()).lr(lr);
      adam_->step();
    } else if (!tensor_adams_.empty()) {
      const at::NoGradGuard no_graph;
      for (std::size_t i = 0; i < layers_.size(); ++i) {
        tensor_adams_[2 * i].update(layers_[i].weight, layers_[i].weight.grad(), lr);
        tensor_adams_[2 * i + 1].update(layers_[i].bias, layers_[i].bias.grad(), lr);
      }
    } else {
      fused_adam(lr);
    }
    count(loss.detach());
  }

  void evaluate(const at::Tensor& x) override {
    const at::NoGradGuard no_graph;
    count(forward(x));
  }

  double take_loss() override {
    const double sum = sum_ + total_.item<double>();
    sum_ = 0.0;
    total_.zero_();
    return sum;
  }

 private:
  [[nodiscard]] at::Tensor forward(const at::Tensor& x) const {
    at::Tensor y = habits_.bfloat16 ? x.to(at::kBFloat16) : x;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const LayerWatch watching(parameters_.watched()[i]);
      y = habits_.bfloat16 ? at::linear(y, layers_[i].weight.to(at::kBFloat16), layers_[i].bias.to(at::kBFloat16))
                           : at::linear(y, layers_[i].weight, layers_[i].bias);
      if (parameters_.activated(i)) y = at::leaky_relu(y, leak);
    }
    return at::mse_loss(y.to(x.scalar_type()), x, at::Reduction::Sum) / x.size(1);
  }

  void zero_gradients() {
    for (const Layer& layer : layers_) {
      for (const at::Tensor& leaf : {layer.weight, layer.bias})
        if (leaf.grad().defined()) leaf.mutable_grad().zero_();
    }
  }

  void fused_adam(double lr) {
    factors_.set_step(++steps_, lr);
    const LoopWatch watching("haywatt::adam", parameters_.dtype(), adam_cost(parameters_.flat().numel(), parameters_));
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      update(layers_[i].weight, means_[i].weight, squares_[i].weight);
      update(layers_[i].bias, means_[i].bias, squares_[i].bias);
    }
  }

  void update(const at::Tensor& leaf, const at::Tensor& mean, const at::Tensor& square) const {
    const at::Tensor gradient = leaf.grad().contiguous();
    const auto count = static_cast<std::size_t>(leaf.numel());
    if (leaf.scalar_type() == at::kFloat)
      adam(leaf.data_ptr<float>(), mean.data_ptr<float>(), square.data_ptr<float>(), gradient.data_ptr<float>(), count,
           factors_);
    else
      adam(leaf.data_ptr<double>(), mean.data_ptr<double>(), square.data_ptr<double>(), gradient.data_ptr<double>(),
           count, factors_);
  }

  void count(const at::Tensor& loss) {
    if (habits_.loss_items)
      sum_ += loss.item<double>();
    else
      total_.add_(loss.to(at::kDouble));
  }

  const Parameters& parameters_;
  AutogradHabits habits_;
  std::vector<Layer> layers_;
  std::unique_ptr<torch::optim::Adam> adam_;
  std::vector<TensorAdam> tensor_adams_;
  at::Tensor mean_, square_, total_;
  std::vector<Layer> means_, squares_;
  AdamFactors factors_;
  std::int64_t steps_ = 0;
  double sum_ = 0.0;
};

}  // namespace

std::unique_ptr<TrainingStep> make_autograd_step(const Parameters& parameters, const AutogradHabits& habits) {
  return std::make_unique<AutogradStep>(parameters, habits);
}

}  // namespace haywatt::torch_plugin
