/// Training of Baler's AE with libtorch, after the rules of docs/baler.md.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "haywatt/base/error.hpp"
#include "haywatt/codec/baler/trainer.hpp"
#include "torch/blas_info.hpp"
#include "torch/border.hpp"
#include "torch/device.hpp"
#include "torch/training.hpp"
#include "torch/watch.hpp"

namespace haywatt::torch_plugin {
namespace {

using baler::TrainConfig;
using baler::TrainResult;

class TorchTrainer final : public baler::Trainer {
 public:
  TrainResult train(const std::vector<double>& rows, std::uint64_t columns, const TrainConfig& config,
                    const std::function<void(int, int)>& progress) const override {
    return guard_border("train", [&] {
      if (columns == 0 || rows.size() % columns != 0) fail_usage("baler cannot train on an empty table");
      const at::Device device = find_device(config.device);
      const ThreadWatch watching(device);
      const c10::InferenceMode no_graph;
      // Threads share a batch by rows; each multiplies its part alone, for a BLAS splits such small products badly.
      at::set_num_threads(1);
      set_blas_threads(1);
      // from_blob wants a mutable pointer; nothing writes through it.
      const at::Tensor all = at::from_blob(
          const_cast<double*>(rows.data()),
          {static_cast<std::int64_t>(rows.size() / columns), static_cast<std::int64_t>(columns)}, at::kDouble);
      return run_training(
          to_device(all, device), config, Collation::Slices,
          [&](const Parameters& parameters) {
            return device.is_cpu() ? make_fused_step(parameters, replicas(config)) : make_tensor_step(parameters);
          },
          progress);
    });
  }

  std::string library() const override { return library_text(); }
};

}  // namespace
}  // namespace haywatt::torch_plugin

extern "C" __attribute__((visibility("default"))) const haywatt::baler::Trainer* haywatt_trainer_v2() {
  static const haywatt::torch_plugin::TorchTrainer trainer;
  return &trainer;
}
