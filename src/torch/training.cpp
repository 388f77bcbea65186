#include "torch/training.hpp"

#include <malloc.h>
#include <torch/version.h>

#include <algorithm>

#include "codec/baler/energy_stop.hpp"
#include "codec/baler/training_rules.hpp"
#include "haywatt/base/error.hpp"
#include "torch/blas_info.hpp"
#include "torch/watch.hpp"

namespace haywatt::torch_plugin {
namespace {

using baler::TrainConfig;
using baler::TrainResult;

constexpr int least_rows_a_replica = 64;

void check(const at::Tensor& rows, const TrainConfig& config) {
  if (rows.numel() == 0) fail_usage("baler cannot train on an empty table");
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

at::Tensor index_tensor(std::vector<std::int64_t>& order) {
  return at::from_blob(order.data(), {static_cast<std::int64_t>(order.size())}, at::kLong);
}

/// All batches of an epoch; `epochs`: this one and those to come.
template <class Work>
double run_epoch(TrainingStep& network, const Batches& batches, const BatchKinds& kinds, std::int64_t epochs,
                 const Work& work) {
  for (std::int64_t i = 0; i < batches.batches(); ++i) {
    const BatchWatch watching(kinds, i, batches, epochs);
    work(batches.batch(i));
  }
  return network.take_loss() / static_cast<double>(batches.batches());
}

/// After each epoch: is the next one worth its joules?
class EnergyJudge {
 public:
  EnergyJudge(const baler::EnergyStop& rule, std::int64_t values)
      : rule_(rule), price_{rule.joule_per_byte, static_cast<std::uint64_t>(values)} {
    if (rule_.joules) start_J_ = rule_.joules();
  }
  [[nodiscard]] bool stops(TrainResult& result) const {
    if (!rule_.joules) return false;
    result.epoch_J = (rule_.joules() - start_J_) / static_cast<double>(result.validation_loss.size());
    const baler::EpochValue value = baler::value_of_next_epoch(result.validation_loss, result.epoch_J, price_);
    result.next_gain_B = value.gain_B;
    result.next_gain_J = value.gain_J;
    return value.stops();
  }

 private:
  const baler::EnergyStop& rule_;
  baler::EnergyPrice price_;
  double start_J_ = 0.0;
};

}  // namespace

int replicas(const TrainConfig& config) {
  return std::clamp(config.batch_size / least_rows_a_replica, 1, std::max(config.threads, 1));
}

std::string library_text() { return std::string("libtorch ") + TORCH_VERSION + ", " + find_blas().name; }

TrainResult run_training(const at::Tensor& rows, const TrainConfig& config, Collation collation,
                         const MakeStep& make_step, const std::function<void(int, int)>& progress) {
  check(rows, config);
  const KeepFreedMemory keep;
  const at::ScalarType type = config.float32 ? at::kFloat : at::kDouble;
  const auto count = static_cast<std::uint64_t>(rows.size(0));
  const auto columns = static_cast<std::uint32_t>(rows.size(1));

  TrainResult result;
  result.library = library_text() + ", " + std::to_string(config.threads) +
                   (config.threads == 1 ? " thread" : " threads") +
                   (rows.device().is_cpu() ? "" : ", " + rows.device().str());
  result.reference_blas = find_blas().reference;
  result.model =
      config.initial != nullptr
          ? *config.initial
          : baler::make_model(columns, baler::latent_size(columns, config.compression_ratio), config.float32);
  result.model.float32 = config.float32;
  at::manual_seed(config.seed);
  const Parameters parameters(result.model, type, config.initial == nullptr, rows.device());
  const std::unique_ptr<TrainingStep> network = make_step(parameters);

  baler::Split split;
  const bool tested = config.test_size > 0.0;
  if (tested) split = baler::split_rows(count, config.test_size);
  const auto part = [&](const at::Tensor& order) { return Batches(rows, order, config.batch_size, type, collation); };
  const Batches train = part(tested ? index_tensor(split.train) : at::Tensor());
  const Batches test = tested ? part(index_tensor(split.test)) : train;
  if (train.rows() == 0) fail_usage("baler: test_size leaves no row to train on");

  double lr = config.lr;
  baler::PlateauSchedule schedule(config.lr, config.lr_scheduler_patience);
  baler::EarlyStopping stopping(config.early_stopping_patience, config.min_delta);
  const BatchKinds training("training"), testing("testing");
  const EnergyJudge judge(config.energy_stop, rows.numel());
  for (int epoch = 0; epoch < config.epochs; ++epoch) {
    const std::int64_t epochs = config.epochs - epoch;
    const double train_loss =
        run_epoch(*network, train, training, epochs, [&](const at::Tensor& x) { network->step(x, lr); });
    const double loss =
        tested ? run_epoch(*network, test, testing, epochs, [&](const at::Tensor& x) { network->evaluate(x); })
               : train_loss;
    result.train_loss.push_back(train_loss);
    result.validation_loss.push_back(loss);
    if (progress) progress(epoch + 1, config.epochs);
    if (config.lr_scheduler) lr = schedule.step(loss);
    if (config.early_stopping && stopping.step(loss)) {
      result.stopped_by = baler::StopReason::EarlyStopping;
      break;
    }
    if (judge.stops(result) && epoch + 1 < config.epochs) {
      result.stopped_by = baler::StopReason::Energy;
      break;
    }
  }
  parameters.copy_to(result.model);
  return result;
}

}  // namespace haywatt::torch_plugin
