/// Training of Baler's AE with libtorch, after the rules of docs/baler.md.
#include <malloc.h>
#include <torch/torch.h>

#include <cmath>
#include <new>
#include <string>
#include <vector>

#include "codec/baler/training_rules.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/codec/baler/trainer.hpp"
#include "torch/blas_info.hpp"

namespace haywatt::torch_plugin {
namespace {

using baler::Linear;
using baler::Model;
using baler::TrainConfig;
using baler::TrainResult;

struct Layer {
  torch::Tensor weight, bias;
};

torch::Tensor to_tensor(const std::vector<double>& values, torch::IntArrayRef shape, torch::ScalarType type) {
  return torch::tensor(values, torch::kDouble).view(shape).to(type);
}

void from_tensor(const torch::Tensor& tensor, std::vector<double>& values) {
  const torch::Tensor flat = tensor.detach().to(torch::kDouble).contiguous();
  values.assign(flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel());
}

/// en1..en4, de1..de4; LeakyReLU after each but en4 and de4.
class Network {
 public:
  /// torch.nn.Linear's initialisation, in the order of Baler's constructor: weights and biases from U(-1/sqrt(inputs),
  /// 1/sqrt(inputs)), drawn in the network's own type.
  Network(const Model& shape, torch::ScalarType type, bool initialise) {
    for (const std::vector<Linear>* half : {&shape.encoder, &shape.decoder}) {
      for (const Linear& linear : *half) {
        const auto options = torch::TensorOptions().dtype(type);
        Layer layer;
        if (initialise) {
          layer = {torch::empty({linear.outputs, linear.inputs}, options), torch::empty({linear.outputs}, options)};
          torch::nn::init::kaiming_uniform_(layer.weight, std::sqrt(5.0));
          const double reach = 1.0 / std::sqrt(static_cast<double>(linear.inputs));
          torch::nn::init::uniform_(layer.bias, -reach, reach);
        } else {
          layer = {to_tensor(linear.weight, {linear.outputs, linear.inputs}, type),
                   to_tensor(linear.bias, {linear.outputs}, type)};
        }
        layer.weight.requires_grad_(true);
        layer.bias.requires_grad_(true);
        layers_.push_back(layer);
      }
    }
  }

  [[nodiscard]] torch::Tensor forward(torch::Tensor x) const {
    const std::size_t half = layers_.size() / 2;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      x = torch::linear(x, layers_[i].weight, layers_[i].bias);
      if (i + 1 != half && i + 1 != layers_.size()) x = torch::leaky_relu(x, 0.01);
    }
    return x;
  }

  [[nodiscard]] std::vector<torch::Tensor> parameters() const {
    std::vector<torch::Tensor> all;
    for (const Layer& layer : layers_) {
      all.push_back(layer.weight);
      all.push_back(layer.bias);
    }
    return all;
  }

  void copy_to(Model& model) const {
    std::size_t i = 0;
    for (std::vector<Linear>* half : {&model.encoder, &model.decoder}) {
      for (Linear& linear : *half) {
        from_tensor(layers_[i].weight, linear.weight);
        from_tensor(layers_[i].bias, linear.bias);
        ++i;
      }
    }
  }

 private:
  std::vector<Layer> layers_;
};

/// The rows of one part, as batches in order; the last may be smaller.
class Batches {
 public:
  /// `order` empty: the rows as they lie, as views without a copy.
  Batches(torch::Tensor rows, torch::Tensor order, std::int64_t count, std::int64_t size, torch::ScalarType type)
      : rows_(std::move(rows)), order_(std::move(order)), count_(count), size_(size), type_(type) {}

  [[nodiscard]] std::int64_t batches() const { return (count_ + size_ - 1) / size_; }
  [[nodiscard]] torch::Tensor batch(std::int64_t i) const {
    const std::int64_t first = i * size_;
    const std::int64_t last = std::min(first + size_, count_);
    const torch::Tensor part =
        order_.defined() ? rows_.index_select(0, order_.slice(0, first, last)) : rows_.slice(0, first, last);
    return part.to(type_);
  }

 private:
  torch::Tensor rows_, order_;
  std::int64_t count_, size_;
  torch::ScalarType type_;
};

/// Sum of squares over the batch, divided by the columns (not by the rows).
torch::Tensor batch_loss(const torch::Tensor& output, const torch::Tensor& input) {
  return torch::mse_loss(output, input, at::Reduction::Sum) / input.size(1);
}

double train_epoch(const Network& network, torch::optim::Adam& adam, const Batches& batches) {
  double sum = 0.0;
  for (std::int64_t i = 0; i < batches.batches(); ++i) {
    const torch::Tensor x = batches.batch(i);
    adam.zero_grad();
    const torch::Tensor loss = batch_loss(network.forward(x), x);
    loss.backward();
    adam.step();
    sum += loss.item<double>();
  }
  return sum / static_cast<double>(batches.batches());
}

double validate(const Network& network, const Batches& batches) {
  const torch::NoGradGuard no_gradients;
  double sum = 0.0;
  for (std::int64_t i = 0; i < batches.batches(); ++i) {
    const torch::Tensor x = batches.batch(i);
    sum += batch_loss(network.forward(x), x).item<double>();
  }
  return sum / static_cast<double>(batches.batches());
}

torch::Tensor index_tensor(std::vector<std::int64_t>& order) {
  return torch::from_blob(order.data(), {static_cast<std::int64_t>(order.size())}, torch::kLong);
}

void check(const std::vector<double>& rows, std::uint64_t columns, const TrainConfig& config) {
  if (columns == 0 || rows.empty() || rows.size() % columns != 0) fail_usage("baler cannot train on an empty table");
  if (config.epochs < 1 || config.batch_size < 1 || config.threads < 1 || !(config.lr >= 0.0) ||
      !(config.test_size >= 0.0 && config.test_size < 1.0))
    fail_usage("baler: epochs, batch and threads must be at least 1, lr at least 0, test_size from 0 to below 1");
}

/// While it lives, memory that a training step frees is kept for the next step: giving it back to the kernel and
/// faulting it in again cost 15 % of the training time. Afterwards it is given back.
class KeepFreedMemory {
 public:
  KeepFreedMemory() {
#if defined(__GLIBC__)
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
#endif
  }
  ~KeepFreedMemory() {
#if defined(__GLIBC__)
    malloc_trim(0);
#endif
  }
  KeepFreedMemory(const KeepFreedMemory&) = delete;
  KeepFreedMemory& operator=(const KeepFreedMemory&) = delete;
};

TrainResult run(const std::vector<double>& rows, std::uint64_t columns, const TrainConfig& config,
                const std::function<void(int, int)>& progress, const std::string& library) {
  check(rows, columns, config);
  const KeepFreedMemory keep;
  at::set_num_threads(config.threads);
  set_blas_threads(config.threads);
  const BlasInfo blas = find_blas();
  const torch::ScalarType type = config.float32 ? torch::kFloat : torch::kDouble;
  const std::uint64_t count = rows.size() / columns;

  TrainResult result;
  result.library = library + ", " + std::to_string(config.threads) + (config.threads == 1 ? " thread" : " threads");
  result.reference_blas = blas.reference;
  result.model = config.initial != nullptr
                     ? *config.initial
                     : baler::make_model(static_cast<std::uint32_t>(columns),
                                         baler::latent_size(columns, config.compression_ratio), config.float32);
  result.model.float32 = config.float32;
  torch::manual_seed(config.seed);
  const Network network(result.model, type, config.initial == nullptr);

  // from_blob wants a mutable pointer; nothing writes through it.
  const torch::Tensor all =
      torch::from_blob(const_cast<double*>(rows.data()),
                       {static_cast<std::int64_t>(count), static_cast<std::int64_t>(columns)}, torch::kDouble);
  baler::Split split;
  const bool tested = config.test_size > 0.0;
  if (tested) split = baler::split_rows(count, config.test_size);
  const auto part = [&](std::vector<std::int64_t>& order) {
    return Batches(all, index_tensor(order), static_cast<std::int64_t>(order.size()), config.batch_size, type);
  };
  const Batches train = tested
                            ? part(split.train)
                            : Batches(all, torch::Tensor(), static_cast<std::int64_t>(count), config.batch_size, type);
  const Batches test = tested ? part(split.test) : train;
  if (train.batches() == 0) fail_usage("baler: test_size leaves no row to train on");

  torch::optim::Adam adam(network.parameters(),
                          torch::optim::AdamOptions(config.lr).betas(std::make_tuple(0.9, 0.999)).eps(1e-8));
  baler::PlateauSchedule schedule(config.lr, config.lr_scheduler_patience);
  baler::EarlyStopping stopping(config.early_stopping_patience, config.min_delta);
  for (int epoch = 0; epoch < config.epochs; ++epoch) {
    const double train_loss = train_epoch(network, adam, train);
    const double loss = tested ? validate(network, test) : train_loss;
    result.train_loss.push_back(train_loss);
    result.validation_loss.push_back(loss);
    if (progress) progress(epoch + 1, config.epochs);
    if (config.lr_scheduler)
      static_cast<torch::optim::AdamOptions&>(adam.param_groups()[0].options()).lr(schedule.step(loss));
    if (config.early_stopping && stopping.step(loss)) break;
  }
  network.copy_to(result.model);
  return result;
}

class TorchTrainer final : public baler::Trainer {
 public:
  TrainResult train(const std::vector<double>& rows, std::uint64_t columns, const TrainConfig& config,
                    const std::function<void(int, int)>& progress) const override {
    // Only errors of our own and std::bad_alloc cross the border: others' types may be unknown to the program.
    try {
      return run(rows, columns, config, progress, library());
    } catch (const Error&) {
      throw;
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const c10::Error& e) {
      fail_system(std::string("libtorch cannot train: ") + first_line(e.what_without_backtrace()));
    } catch (const std::exception& e) {
      fail_system(std::string("libtorch cannot train: ") + first_line(e.what()));
    }
  }

  std::string library() const override { return std::string("libtorch ") + TORCH_VERSION + ", " + find_blas().name; }

 private:
  static std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }
};

}  // namespace
}  // namespace haywatt::torch_plugin

extern "C" __attribute__((visibility("default"))) const haywatt::baler::Trainer* haywatt_trainer_v1() {
  static const haywatt::torch_plugin::TorchTrainer trainer;
  return &trainer;
}
