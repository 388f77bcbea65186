#include "torch/tensor_adam.hpp"
#include "torch/training_step.hpp"

namespace haywatt::torch_plugin {
namespace {

/// Buffers of a batch of one size.
struct Buffers {
  std::vector<at::Tensor> outputs, gradients;
};

class TensorStep final : public TrainingStep {
 public:
  explicit TensorStep(const Parameters& parameters)
      : parameters_(parameters),
        adam_(parameters.flat()),
        total_(at::zeros({}, parameters.flat().options().dtype(at::kDouble))) {
    gradients_ = parameters.make_like(gradient_);
  }

  void step(const at::Tensor& x, double lr) override {
    const Buffers b = forward(x);
    const std::vector<Layer>& layers = parameters_.layers();
    at::Tensor g = add_loss(b.outputs.back(), x).mul_(2.0 / static_cast<double>(x.size(1)));
    for (std::size_t i = layers.size(); i-- > 0;) {
      const LayerWatch watching(parameters_.watched()[i]);
      const BackwardWatch backward;
      if (parameters_.activated(i)) g = at::leaky_relu_backward(g, b.outputs[i], leak, /*self_is_result=*/true);
      at::sum_out(gradients_[i].bias, g, at::IntArrayRef{0});
      at::mm_out(gradients_[i].weight, g.t(), i == 0 ? x : b.outputs[i - 1]);
      if (i > 0) g = at::mm(g, layers[i].weight);
    }
    adam_.update(parameters_.flat(), gradient_, lr);
  }

  void evaluate(const at::Tensor& x) override { add_loss(forward(x).outputs.back(), x); }

  double take_loss() override {
    const double sum = total_.item<double>();
    total_.zero_();
    return sum;
  }

 private:
  [[nodiscard]] Buffers forward(const at::Tensor& x) const {
    Buffers b;
    const std::vector<Layer>& layers = parameters_.layers();
    for (std::size_t i = 0; i < layers.size(); ++i) {
      const LayerWatch watching(parameters_.watched()[i]);
      b.outputs.push_back(at::addmm(layers[i].bias, i == 0 ? x : b.outputs[i - 1], layers[i].weight.t()));
      if (parameters_.activated(i)) at::leaky_relu_(b.outputs[i], leak);
    }
    return b;
  }

  /// Adds the batch's loss to the total, on the device, and returns output - input.
  at::Tensor add_loss(const at::Tensor& output, const at::Tensor& x) {
    at::Tensor difference = at::sub(output, x);
    total_.add_(difference.square().sum(at::kDouble), 1.0 / static_cast<double>(x.size(1)));
    return difference;
  }

  const Parameters& parameters_;
  TensorAdam adam_;
  at::Tensor gradient_, total_;
  std::vector<Layer> gradients_;
};

}  // namespace

std::unique_ptr<TrainingStep> make_tensor_step(const Parameters& parameters) {
  return std::make_unique<TensorStep>(parameters);
}

}  // namespace haywatt::torch_plugin
