/// The loop of epochs that every way of training shares.
#pragma once
#include <ATen/ATen.h>

#include <functional>
#include <memory>
#include <string>

#include "haywatt/codec/baler/trainer.hpp"
#include "torch/batches.hpp"
#include "torch/training_step.hpp"

namespace haywatt::torch_plugin {

using MakeStep = std::function<std::unique_ptr<TrainingStep>(const Parameters&)>;

/// Trains on `rows` (count x columns, float64), on their device. Batches are made as `collation` says; the rest as
/// docs/baler.md describes it.
baler::TrainResult run_training(const at::Tensor& rows, const baler::TrainConfig& config, Collation collation,
                                const MakeStep& make_step, const std::function<void(int, int)>& progress);

/// Threads that share a batch: at most `threads`, and none with fewer than 64 rows.
[[nodiscard]] int replicas(const baler::TrainConfig& config);

/// "libtorch 1.13.1, OpenBLAS 0.3.21"
[[nodiscard]] std::string library_text();

}  // namespace haywatt::torch_plugin
