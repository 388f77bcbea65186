/// Python's Baler imitated: what haywatt/codec/baler/libtorch_baler.hpp describes.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <chrono>
#include <optional>

#include "haywatt/base/error.hpp"
#include "haywatt/codec/baler/libtorch_baler.hpp"
#include "torch/batches.hpp"
#include "torch/blas_info.hpp"
#include "torch/border.hpp"
#include "torch/device.hpp"
#include "torch/elementwise.hpp"
#include "torch/inference.hpp"
#include "torch/scaling.hpp"
#include "torch/training.hpp"
#include "torch/watch.hpp"

namespace haywatt::torch_plugin {
namespace {

using baler::ArrayView;
using baler::Habits;
using baler::Model;
using baler::NetworkOutput;
using baler::NetworkType;
using baler::PhaseHook;
using baler::Ranges;
using baler::TrainConfig;
using baler::TrainResult;

/// What a GPU was asked for before does not count, and what it is asked for within does.
class Phase {
 public:
  Phase(const PhaseHook& hook, const char* name, const at::Device& device = at::kCPU)
      : hook_(hook), name_(name), device_(device) {
    await(device_);
    if (hook_) hook_(name_, true);
  }
  ~Phase() {
    await(device_);
    if (hook_) hook_(name_, false);
  }
  Phase(const Phase&) = delete;
  Phase& operator=(const Phase&) = delete;

 private:
  const PhaseHook& hook_;
  const char* name_;
  at::Device device_;
};

/// The device, if what is asked for can be done there.
at::Device device_for(const Habits& habits) {
  const at::Device device = find_device(habits.device);
  if (device.is_cpu()) return device;
  if (habits.type == NetworkType::Int8) fail_usage("baler-libtorch: int8 networks run on the CPU only (--device cpu)");
  if (habits.normalise_values || habits.minmax_rows)
    fail_usage("baler-libtorch: --normalise values and --minmax rows work on the CPU only (--device cpu)");
  return device;
}

at::Tensor copy_in(const at::Tensor& host, const at::Device& device, const PhaseHook& phase) {
  if (device.is_cpu()) return host;
  const Phase copying(phase, "copy/to-device", device);
  return to_device(host, device);
}

at::Tensor copy_out(const at::Tensor& tensor, const PhaseHook& phase) {
  if (tensor.device().is_cpu()) return tensor;
  const Phase copying(phase, "copy/to-host", tensor.device());
  return to_host(tensor);
}

void set_threads(int threads) {
  if (threads < 1) fail_usage("baler-libtorch: threads must be at least 1");
  at::set_num_threads(threads);
  set_blas_threads(threads);
}

at::Tensor as_tensor(const ArrayView& array) {
  if (array.rows == 0 || array.columns == 0) fail_usage("baler-libtorch: the table is empty");
  const std::vector<std::int64_t> shape = {static_cast<std::int64_t>(array.rows),
                                           static_cast<std::int64_t>(array.columns)};
  // from_blob wants a mutable pointer; nothing writes through it.
  if (array.f4 != nullptr) return at::from_blob(const_cast<float*>(array.f4), shape, at::kFloat);
  return at::from_blob(const_cast<double*>(array.f8), shape, at::kDouble);
}

Ranges as_ranges(const at::Tensor& ranges) {
  const at::Tensor wide = ranges.cpu().to(at::kDouble).contiguous();
  const double* values = wide.data_ptr<double>();
  const std::int64_t columns = wide.size(1);
  return {{values, values + columns}, {values + columns, values + 2 * columns}};
}

at::Tensor as_tensor(const Ranges& ranges) {
  const auto row = [](const std::vector<double>& values) {
    return at::from_blob(const_cast<double*>(values.data()), {static_cast<std::int64_t>(values.size())}, at::kDouble);
  };
  return at::stack({row(ranges.minimum), row(ranges.range)});
}

template <class T>
std::vector<T> as_vector(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.contiguous();
  return {flat.data_ptr<T>(), flat.data_ptr<T>() + flat.numel()};
}

NetworkOutput as_output(const at::Tensor& tensor) {
  NetworkOutput out;
  out.rows = static_cast<std::uint64_t>(tensor.size(0));
  out.columns = static_cast<std::uint64_t>(tensor.size(1));
  if (tensor.scalar_type() == at::kDouble)
    out.f8 = as_vector<double>(tensor);
  else
    out.f4 = as_vector<float>(tensor);
  return out;
}

Collation collation(const Habits& habits) { return habits.collate_samples ? Collation::Samples : Collation::Slices; }

/// Min-max and normalisation, as a user of Baler pays for them in train and in compress.
at::Tensor prepare(const ArrayView& table, const Habits& habits, const at::Device& device, Ranges& ranges,
                   const PhaseHook& phase) {
  const at::Tensor data = copy_in(as_tensor(table), device, phase);
  at::Tensor found;
  {
    const Phase minmax(phase, "prepare/minmax", device);
    found = find_ranges(data, habits.minmax_rows);
    ranges = as_ranges(found);
  }
  const Phase normalising(phase, "prepare/normalise", device);
  return normalise(data, found, habits.normalise_values).to(border_type(habits.type));
}

at::Tensor run_batches(const Half& half, const char* name, const at::Tensor& rows, std::uint32_t outputs,
                       const Habits& habits) {
  if (habits.batch_size < 1) fail_usage("baler-libtorch: a batch has at least 1 row");
  const auto size = static_cast<std::int64_t>(habits.batch_size);
  const Batches batches(rows, at::Tensor(), size, rows.scalar_type(), collation(habits));
  at::Tensor all = at::empty({habits.grow ? 0 : rows.size(0), std::int64_t{outputs}}, rows.options());
  const BatchKinds kinds(name);
  for (std::int64_t i = 0; i < batches.batches(); ++i) {
    const BatchWatch watching(kinds, i, batches, 1);
    const at::Tensor y = half(batches.batch(i));
    if (habits.grow)
      all = at::cat({all, y});
    else
      all.narrow(0, i * size, y.size(0)).copy_(y);
  }
  return all;
}

class Imitation final : public baler::LibtorchBaler {
 public:
  TrainResult train(const ArrayView& table, const TrainConfig& config, const Habits& habits, Ranges& ranges,
                    const PhaseHook& phase, const std::function<void(int, int)>& progress) const override {
    return guard_border("train", [&] {
      const at::Device device = device_for(habits);
      const ThreadWatch watching(device);
      if (habits.type == NetworkType::Int8) fail_usage("baler-libtorch: int8 networks cannot be trained");
      if (habits.type == NetworkType::BFloat16 && !habits.autograd)
        fail_usage("baler-libtorch: training in bfloat16 needs autograd (--grad on)");
      if (habits.plain_adam && !habits.autograd)
        fail_usage("baler-libtorch: the plain Adam needs autograd (--grad on)");
      set_threads(habits.autograd ? habits.threads : 1);
      std::optional<c10::InferenceMode> no_graph;
      if (!habits.autograd) no_graph.emplace();
      const at::Tensor rows = prepare(table, habits, device, ranges, phase).to(at::kDouble);
      TrainConfig used = config;
      used.batch_size = static_cast<int>(habits.batch_size);
      used.threads = habits.threads;
      used.float32 = habits.type != NetworkType::Float64;
      const MakeStep make_step = [&](const Parameters& parameters) {
        if (!habits.autograd && (habits.tensor_loops || !device.is_cpu())) return make_tensor_step(parameters);
        if (!habits.autograd) return make_fused_step(parameters, replicas(used));
        return make_autograd_step(parameters,
                                  {habits.plain_adam, habits.loss_items, habits.type == NetworkType::BFloat16});
      };
      const Phase training(phase, "train", device);
      return run_training(rows, used, collation(habits), make_step, progress);
    });
  }

  NetworkOutput compress(const ArrayView& table, const Model& model, const Habits& habits, Ranges& ranges,
                         const PhaseHook& phase) const override {
    return guard_border("compress", [&] {
      const at::Device device = device_for(habits);
      const ThreadWatch watching(device);
      set_threads(habits.threads);
      if (model.encoder.empty() || model.encoder.front().inputs != table.columns)
        fail_input("baler-libtorch: the model has another number of columns than the table");
      std::optional<c10::InferenceMode> no_graph;
      if (!habits.autograd) no_graph.emplace();
      const at::Tensor rows = prepare(table, habits, device, ranges, phase);
      at::Tensor latents;
      {
        const Phase encoding(phase, "encode", device);
        latents =
            run_batches(make_half(model.encoder, "encoder", habits, device), "encode", rows, model.latent(), habits);
      }
      return as_output(copy_out(latents, phase));
    });
  }

  NetworkOutput decompress(const ArrayView& latents, const Model& model, const Ranges& ranges, const Habits& habits,
                           const PhaseHook& phase) const override {
    return guard_border("decompress", [&] {
      const at::Device device = device_for(habits);
      const ThreadWatch watching(device);
      set_threads(habits.threads);
      if (model.latent() != latents.columns)
        fail_input("baler-libtorch: the model has another number of latent values than the compressed file");
      if (ranges.minimum.size() != model.columns() || ranges.range.size() != model.columns())
        fail_input("baler-libtorch: the model's ranges do not fit its columns");
      std::optional<c10::InferenceMode> no_graph;
      if (!habits.autograd) no_graph.emplace();
      const at::Tensor input = copy_in(as_tensor(latents), device, phase);
      at::Tensor decoded;
      {
        const Phase decoding(phase, "decode", device);
        const at::Tensor rows = input.to(border_type(habits.type));
        decoded =
            run_batches(make_half(model.decoder, "decoder", habits, device), "decode", rows, model.columns(), habits);
      }
      {
        const Phase renormalising(phase, "renormalise", device);
        decoded = renormalise(decoded, as_tensor(ranges).to(device), habits.normalise_values);
      }
      return as_output(copy_out(decoded, phase));
    });
  }

  std::uint64_t repeat_layer(const baler::Linear& layer, bool activated, std::uint64_t rows, const Habits& habits,
                             double seconds) const override {
    return guard_border("repeat a layer", [&] {
      const at::Device device = device_for(habits);
      set_threads(habits.threads);
      const c10::InferenceMode no_graph;
      const Half half = make_half({layer}, "layer", habits, device);
      const at::Tensor x = at::rand({static_cast<std::int64_t>(rows), std::int64_t{layer.inputs}},
                                    at::TensorOptions().dtype(border_type(habits.type)).device(device));
      std::uint64_t times = 0;
      const auto start = std::chrono::steady_clock::now();
      while (std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() < seconds) {
        for (int i = 0; i < 64; ++i) {
          at::Tensor y = half(x);
          if (activated) at::leaky_relu_(y, leak);
        }
        await(device);
        times += 64;
      }
      return times;
    });
  }

  std::string library() const override { return library_text(); }
};

}  // namespace
}  // namespace haywatt::torch_plugin

extern "C" __attribute__((visibility("default"))) const haywatt::baler::LibtorchBaler* haywatt_libtorch_baler_v2() {
  static const haywatt::torch_plugin::Imitation imitation;
  return &imitation;
}
