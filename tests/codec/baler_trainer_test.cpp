// The libtorch plug-in against Python's torch (tests/golden/baler/make_training.py). Skipped where it is not built.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "codec/baler_golden.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/codec/baler/trainer.hpp"
#include "haywatt_test_paths.hpp"

namespace haywatt::baler {
namespace {

const nlohmann::json& golden() {
  static const nlohmann::json all =
      nlohmann::json::parse(read_text_file(std::string(HAYWATT_SOURCE_DIR) + "/tests/golden/baler/training.json"));
  return all;
}

std::vector<double> make_rows(std::size_t count, std::size_t columns) {
  test::Lcg g(1);
  std::vector<double> rows;
  for (std::size_t r = 0; r < count; ++r) {
    const double a = g.next();
    const double b = g.next();
    for (std::size_t c = 0; c < columns; ++c)
      rows.push_back((a * static_cast<double>(c + 1) + b * static_cast<double>(columns - c) + g.next()) /
                     static_cast<double>(columns + 2));
  }
  return rows;
}

class BalerTrainer : public testing::Test {
 protected:
  void SetUp() override {
    std::string why;
    trainer = load_trainer(why);
    if (trainer == nullptr) GTEST_SKIP() << why;
  }
  const Trainer* trainer = nullptr;
};

void expect_close(const std::vector<double>& got, const nlohmann::json& expected, double relative,
                  const std::string& what) {
  ASSERT_EQ(got.size(), expected.size()) << what;
  for (std::size_t i = 0; i < got.size(); ++i)
    EXPECT_NEAR(got[i], expected[i].get<double>(), relative * std::fabs(expected[i].get<double>())) << what << " " << i;
}

TEST_F(BalerTrainer, FollowsPythonsTorch) {
  for (const nlohmann::json& c : golden()["cases"]) {
    const std::string name = c["name"];
    const auto columns = c["columns"].get<std::uint32_t>();
    TrainConfig config;
    config.compression_ratio = 2.0;
    config.epochs = c["epochs"];
    config.lr = c["lr"];
    config.batch_size = c["batch"];
    config.test_size = c["test_size"];
    config.early_stopping_patience = c["patience"];
    config.lr_scheduler_patience = c["lr_patience"];
    config.float32 = c["float32"];
    config.seed = c["seed"];
    Model initial = make_model(columns, c["latent"], config.float32);
    test::fill(initial, 2);
    if (c["fill"]) config.initial = &initial;
    const TrainResult result = trainer->train(make_rows(c["rows"], columns), columns, config, {});
    // A high learning rate magnifies the last bit, in which two BLAS libraries may differ.
    const double relative = config.float32 ? 1e-3 : config.lr > 0.01 ? 1e-5 : 1e-9;
    expect_close(result.train_loss, c["train_loss"], relative, name + " train");
    expect_close(result.validation_loss, c["validation_loss"], relative, name + " validation");
    std::vector<double> sums;
    for (const std::vector<Linear>* half : {&result.model.encoder, &result.model.decoder})
      for (const Linear& layer : *half)
        sums.push_back(std::accumulate(layer.weight.begin(), layer.weight.end(), 0.0,
                                       [](double s, double w) { return s + std::fabs(w); }));
    expect_close(sums, c["weight_sums"], relative, name + " weights");
    EXPECT_EQ(result.model.float32, config.float32);
    EXPECT_EQ(result.model.latent(), c["latent"].get<std::uint32_t>());
  }
}

TEST_F(BalerTrainer, StartsAsPythonsTorchDoes) {
  for (const nlohmann::json& c : golden()["initial"]) {
    TrainConfig config;
    config.epochs = 1;
    config.lr = 0.0;  // the weights stay as they were drawn
    config.float32 = c["float32"];
    config.seed = c["seed"];
    const TrainResult result = trainer->train(make_rows(10, 6), 6, config, {});
    std::vector<double> first, last;
    for (const std::vector<Linear>* half : {&result.model.encoder, &result.model.decoder}) {
      for (const Linear& layer : *half) {
        first.push_back(layer.weight.front());
        last.push_back(layer.bias.back());
      }
    }
    expect_close(first, c["first_weights"], 1e-12, "first weights");
    expect_close(last, c["last_biases"], 1e-12, "last biases");
  }
}

TEST_F(BalerTrainer, SameSeedSameWeightsOtherSeedOthers) {
  const std::vector<double> rows = make_rows(700, 5);
  TrainConfig config;
  config.seed = 3;
  int calls = 0;
  const auto progress = [&calls](int epoch, int epochs) {
    EXPECT_EQ(epoch, ++calls);
    EXPECT_EQ(epochs, 5);
  };
  const TrainResult a = trainer->train(rows, 5, config, progress);
  const TrainResult b = trainer->train(rows, 5, config, {});
  config.seed = 4;
  const TrainResult other = trainer->train(rows, 5, config, {});
  EXPECT_EQ(calls, 5);
  EXPECT_EQ(a.model.decoder[3].weight, b.model.decoder[3].weight);
  EXPECT_EQ(a.train_loss, b.train_loss);
  EXPECT_NE(a.model.decoder[3].weight, other.model.decoder[3].weight);
  EXPECT_LT(a.train_loss.back(), a.train_loss.front());
  EXPECT_NE(a.library.find("libtorch"), std::string::npos);
}

// Two threads take half of each batch: the same but for the order of sums.
TEST_F(BalerTrainer, ThreadsShareABatch) {
  const std::vector<double> rows = make_rows(701, 5);  // a last batch of 70 rows
  TrainConfig config;
  config.batch_size = 140;
  config.test_size = 0.1;
  const TrainResult one = trainer->train(rows, 5, config, {});
  config.threads = 2;
  const TrainResult two = trainer->train(rows, 5, config, {});
  ASSERT_EQ(one.train_loss.size(), two.train_loss.size());
  for (std::size_t i = 0; i < one.train_loss.size(); ++i) {
    EXPECT_NEAR(two.train_loss[i], one.train_loss[i], 1e-9 * one.train_loss[i]);
    EXPECT_NEAR(two.validation_loss[i], one.validation_loss[i], 1e-9 * one.validation_loss[i]);
  }
  const TrainResult again = trainer->train(rows, 5, config, {});
  EXPECT_EQ(two.model.encoder[0].weight, again.model.encoder[0].weight);
}

TEST_F(BalerTrainer, StopsWhenTheNextEpochIsNotWorthItsJoules) {
  const std::vector<double> rows = make_rows(700, 5);
  TrainConfig config;
  config.epochs = 40;
  double joules = 0.0;
  config.energy_stop.joules = [&joules] { return joules += 2.0; };  // 2 J an epoch
  config.energy_stop.joule_per_byte = 1e6;
  const TrainResult all = trainer->train(rows, 5, config, {});
  EXPECT_EQ(all.stopped_by, StopReason::Epochs);
  EXPECT_EQ(all.train_loss.size(), 40U);
  EXPECT_NEAR(all.epoch_J, 2.0, 1e-9);
  EXPECT_GE(all.next_gain_J, 0.0);
  config.energy_stop.joule_per_byte = 1e-6;  // at most 3 kB of corrections in all
  const TrainResult few = trainer->train(rows, 5, config, {});
  EXPECT_EQ(few.stopped_by, StopReason::Energy);
  EXPECT_EQ(few.train_loss.size(), 4U);  // the first forecast
  EXPECT_LT(few.next_gain_J, few.epoch_J);
  EXPECT_TRUE(std::equal(few.train_loss.begin(), few.train_loss.end(), all.train_loss.begin()));
}

TEST_F(BalerTrainer, ErrorsCrossTheBorderAsOurs) {
  TrainConfig config;
  EXPECT_THROW(static_cast<void>(trainer->train({}, 5, config, {})), Error);
  config.epochs = 0;
  EXPECT_THROW(static_cast<void>(trainer->train({1.0, 2.0}, 2, config, {})), Error);
  config.epochs = 1;
  const Model wrong = make_model(3, 2, false);  // libtorch itself complains of the shapes
  config.initial = &wrong;
  try {
    static_cast<void>(trainer->train({1.0, 2.0}, 2, config, {}));
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos);
  }
}

}  // namespace
}  // namespace haywatt::baler
