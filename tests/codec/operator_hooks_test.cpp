/// The libtorch plug-in announces what it runs. Skipped where the plug-in is not built.
#include "haywatt/codec/baler/operator_hooks.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <map>
#include <mutex>
#include <thread>

#include "haywatt/codec/baler/libtorch_baler.hpp"

namespace haywatt::baler {
namespace {

constexpr std::uint64_t columns = 24, latent = 15, rows = 1000;
constexpr double macs_forward = 2.0 * (24 * 200 + 200 * 100 + 100 * 50 + 50 * 15);
/// Forward, the gradients of the weights, and those of each layer's input but the first's.
constexpr double macs_training = 3.0 * macs_forward - 24 * 200;

/// Sums of what is announced, by layer and name.
class Recorder final : public OperatorListener {
 public:
  struct Sum {
    double calls = 0.0, macs = 0.0, flops = 0.0, allocated_B = 0.0, parameters = 0.0;
    std::string dtype;
  };
  void on_operator_begin(const OperatorName& what) noexcept override {
    const std::lock_guard lock(mutex_);
    Sum& sum = sums[{std::string(what.layer), std::string(what.name)}];
    sum.calls += what.weight;
    sum.dtype = what.dtype;
    open_[std::this_thread::get_id()].push_back({&sum, what.weight});
  }
  void on_operator_end(const OperatorCost& cost) noexcept override {
    const std::lock_guard lock(mutex_);
    auto& open = open_[std::this_thread::get_id()];
    ASSERT_FALSE(open.empty());
    const auto [sum, weight] = open.back();
    open.pop_back();
    if (cost.macs > 0) sum->macs += weight * cost.macs;
    if (cost.flops > 0) sum->flops += weight * cost.flops;
    if (cost.macs < 0) {
      for (const auto& [key, value] : sums)
        if (&value == sum) unknown += key.second + " ";
    }
    sum->allocated_B += weight * cost.allocated_B;
    sum->parameters = std::max(sum->parameters, cost.parameters);
  }
  void on_operator_parts(const OperatorName&, const OperatorCost&, std::uint64_t, std::int64_t) noexcept override {}
  [[nodiscard]] bool closed() const {
    for (const auto& [thread, open] : open_)
      if (!open.empty()) return false;
    return true;
  }
  [[nodiscard]] double macs(const std::string& layer = "") const {
    double all = 0.0;
    for (const auto& [key, sum] : sums)
      if (layer.empty() || key.first == layer) all += sum.macs;
    return all;
  }
  std::map<std::pair<std::string, std::string>, Sum> sums;
  std::string unknown;

 private:
  std::mutex mutex_;
  std::map<std::thread::id, std::vector<std::pair<Sum*, double>>> open_;
};

class OperatorHooksTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string why;
    hooks_ = load_operator_hooks(why);
    torch_ = load_libtorch_baler(why);
    if (hooks_ == nullptr || torch_ == nullptr) GTEST_SKIP() << why;
    for (std::uint64_t i = 0; i < rows * columns; ++i) table_.push_back(std::sin(static_cast<double>(i * i % 977)));
  }
  HookCost train(const Habits& habits, const HookSampling& sampling = {1.0, 1}) {
    TrainConfig config;
    config.compression_ratio = 1.6;
    config.epochs = 3;
    Ranges ranges;
    hooks_->start(recorder_, sampling);
    const TrainResult result = torch_->train({nullptr, table_.data(), rows, columns}, config, habits, ranges, {}, {});
    model_ = result.model;
    return hooks_->stop();
  }
  HookCost compress(const Habits& habits) {
    Ranges ranges;
    hooks_->start(recorder_, {1.0, 1});
    (void)torch_->compress({nullptr, table_.data(), rows, columns}, model_, habits, ranges, {});
    return hooks_->stop();
  }

  const OperatorHooks* hooks_ = nullptr;
  const LibtorchBaler* torch_ = nullptr;
  std::vector<double> table_;
  Recorder recorder_;
  Model model_ = make_model(columns, latent, false);
};

TEST_F(OperatorHooksTest, TrainingWithAutogradIsCountedLayerByLayer) {
  Habits habits;
  habits.autograd = true;
  train(habits);
  EXPECT_TRUE(recorder_.closed());
  EXPECT_EQ(recorder_.unknown, "");
  EXPECT_EQ(recorder_.macs(), 3.0 * rows * macs_training);
  EXPECT_EQ(recorder_.macs("encoder.0"), 3.0 * rows * 2 * 24 * 200);
  EXPECT_EQ(recorder_.macs("decoder.3"), 3.0 * rows * 3 * 24 * 200);
}

TEST_F(OperatorHooksTest, TrainingWrittenOutIsCountedTheSame) {
  Habits habits;
  habits.threads = 2;
  train(habits);
  EXPECT_TRUE(recorder_.closed());
  EXPECT_EQ(recorder_.unknown, "");
  EXPECT_EQ(recorder_.macs(), 3.0 * rows * macs_training);
  EXPECT_EQ(recorder_.macs("encoder.0"), 3.0 * rows * 2 * 24 * 200);
}

TEST_F(OperatorHooksTest, EveryWayOfInference) {
  for (const NetworkType type : {NetworkType::Float64, NetworkType::Float32, NetworkType::BFloat16, NetworkType::Int8})
    for (const bool frozen : {false, true}) {
      if (frozen && type == NetworkType::Int8) continue;
      Habits habits;
      habits.type = type;
      habits.frozen = frozen;
      recorder_.sums.clear();
      compress(habits);
      EXPECT_EQ(recorder_.macs(), rows * macs_forward / 2) << static_cast<int>(type) << frozen;
      EXPECT_EQ(recorder_.macs("encoder.3"), rows * 50 * 15.0) << static_cast<int>(type) << frozen;
    }
}

TEST_F(OperatorHooksTest, SampledBatchesStandForAll) {
  Habits habits;
  habits.autograd = true;
  habits.batch_size = 16;
  const HookCost cost = train(habits, {0.002, 5});
  EXPECT_EQ(cost.batches, 3 * ((rows + 15) / 16));
  EXPECT_LT(cost.batches_seen, cost.batches / 2);
  EXPECT_DOUBLE_EQ(recorder_.macs(), 3.0 * rows * macs_training);
}

TEST_F(OperatorHooksTest, NothingIsAnnouncedAfterwards) {
  train({});
  recorder_.sums.clear();
  Ranges ranges;
  (void)torch_->compress({nullptr, table_.data(), rows, columns}, model_, {}, ranges, {});
  EXPECT_TRUE(recorder_.sums.empty());
}

}  // namespace
}  // namespace haywatt::baler
