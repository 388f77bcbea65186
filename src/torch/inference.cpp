#include "torch/inference.hpp"

#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/csrc/jit/api/module.h>

#include <algorithm>
#include <string>

#include "haywatt/base/error.hpp"
#include "torch/elementwise.hpp"
#include "torch/watch.hpp"

namespace haywatt::torch_plugin {
namespace {

using baler::NetworkType;

struct Weights {
  at::Tensor weight, bias;
};

at::ScalarType compute_type(NetworkType type) {
  if (type == NetworkType::Float64) return at::kDouble;
  return type == NetworkType::BFloat16 ? at::kBFloat16 : at::kFloat;
}

std::vector<Weights> as_tensors(const std::vector<baler::Linear>& layers, at::ScalarType type,
                                const at::Device& device = at::kCPU) {
  std::vector<Weights> all;
  const auto copy = [type, device](const std::vector<double>& values, at::IntArrayRef shape) {
    return at::from_blob(const_cast<double*>(values.data()), shape, at::kDouble)
        .to(at::TensorOptions().dtype(type).device(device), false, true);
  };
  for (const baler::Linear& l : layers) {
    const std::int64_t outputs = l.outputs;
    const std::int64_t inputs = l.inputs;
    all.push_back({copy(l.weight, {outputs, inputs}), copy(l.bias, {outputs})});
  }
  return all;
}

Half make_eager(const std::vector<baler::Linear>& layers, const std::string& name, const baler::Habits& habits,
                const at::Device& device) {
  const std::vector<Weights> weights = as_tensors(layers, compute_type(habits.type), device);
  // As in a module in training, so that a graph is recorded unless inference mode forbids it.
  if (habits.autograd)
    for (const Weights& w : weights) {
      w.weight.requires_grad_(true);
      w.bias.requires_grad_(true);
    }
  return [weights, watched = watched_layers(layers, name)](const at::Tensor& x) {
    at::Tensor y = x.to(weights.front().weight.scalar_type());
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const LayerWatch watching(watched[i]);
      y = at::linear(y, weights[i].weight, weights[i].bias);
      if (i + 1 != weights.size()) y = at::leaky_relu(y, leak);
    }
    return y.detach().to(x.scalar_type());
  };
}

Half make_frozen(const std::vector<baler::Linear>& layers, const std::string& name, NetworkType type,
                 const at::Device& device) {
  const std::vector<Weights> weights = as_tensors(layers, compute_type(type), device);
  torch::jit::Module module("BalerHalf");
  std::string source = "def forward(self, x):\n";
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const std::string n = std::to_string(i);
    module.register_parameter("w" + n, weights[i].weight, false);
    module.register_parameter("b" + n, weights[i].bias, false);
    source += "    x = torch.linear(x, self.w" + n + ", self.b" + n + ")\n";
    if (i + 1 != weights.size()) source += "    x = torch.leaky_relu(x, " + std::to_string(leak) + ")\n";
  }
  module.define(source + "    return x\n");
  module.eval();
  auto frozen = std::make_shared<torch::jit::Module>(torch::jit::freeze(module));
  *frozen = torch::jit::optimize_for_inference(*frozen);
  const at::ScalarType inside = compute_type(type);
  return [frozen, inside, watched = watched_layers(layers, name)](const at::Tensor& x) {
    const at::Tensor input = x.to(inside);
    const LayersWatch watching(watched);
    return frozen->forward({input}).toTensor().to(x.scalar_type());
  };
}

/// quantized::linear_dynamic: int8 weights with one scale, uint8 activations with a scale of their batch, int32 sums.
Half make_quantised(const std::vector<baler::Linear>& layers, const std::string& name) {
  c10::Dispatcher& dispatcher = c10::Dispatcher::singleton();
  const auto prepack = dispatcher.findSchema({"quantized::linear_prepack", ""});
  const auto linear = dispatcher.findSchema({"quantized::linear_dynamic", ""});
  if (!prepack || !linear) fail_unavailable("this libtorch has no dynamic int8 layers (quantized::linear_dynamic)");
  std::vector<c10::IValue> packed;
  for (const Weights& w : as_tensors(layers, at::kFloat)) {
    const double largest = std::max(w.weight.abs().max().item<double>(), 1e-30);
    const at::Tensor q = at::quantize_per_tensor(w.weight, largest / 127.0, 0, at::kQInt8);
    std::vector<c10::IValue> stack = {q, w.bias};
    try {
      prepack->callBoxed(&stack);
    } catch (const c10::Error&) {
      fail_unavailable("this libtorch is built without an engine for int8 layers (FBGEMM or QNNPACK)");
    }
    packed.push_back(stack.at(0));
  }
  return [packed, linear, watched = watched_layers(layers, name)](const at::Tensor& x) {
    at::Tensor y = x;
    for (std::size_t i = 0; i < packed.size(); ++i) {
      const LayerWatch watching(watched[i]);
      // The last argument halves the range of activations, which CPUs with VNNI instructions do not need.
      std::vector<c10::IValue> stack = {y, packed[i], false};
      linear->callBoxed(&stack);
      y = stack.at(0).toTensor();
      if (i + 1 != packed.size()) y = at::leaky_relu(y, leak);
    }
    return y;
  };
}

}  // namespace

Half make_half(const std::vector<baler::Linear>& layers, const std::string& name, const baler::Habits& habits,
               const at::Device& device) {
  if (habits.type == NetworkType::Int8) return make_quantised(layers, name);
  if (habits.frozen) return make_frozen(layers, name, habits.type, device);
  return make_eager(layers, name, habits, device);
}

at::ScalarType border_type(NetworkType type) { return type == NetworkType::Float64 ? at::kDouble : at::kFloat; }

}  // namespace haywatt::torch_plugin
