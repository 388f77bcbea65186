// Python's Baler imitated with libtorch: habits change the cost, not the numbers. Skipped where the plug-in is not
// built.
#include "haywatt/codec/baler/libtorch_baler.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "codec/baler_golden.hpp"
#include "haywatt/base/error.hpp"

namespace haywatt::baler {
namespace {

constexpr std::uint64_t columns = 6, row_count = 700;

template <class T>
std::vector<T> make_table() {
  test::Lcg g(5);
  std::vector<T> rows;
  for (std::uint64_t r = 0; r < row_count; ++r)
    for (std::uint64_t c = 0; c < columns; ++c)
      rows.push_back(c == 3 ? T{7} : static_cast<T>(100.0 * g.next() - static_cast<double>(c)));
  return rows;
}

struct Named {
  const char* name;
  std::function<void(Habits&)> set;
};
// What costs, and changes no bit.
const std::vector<Named>& exact_habits() {
  static const std::vector<Named> all = {
      {"collate", [](Habits& h) { h.collate_samples = true; }},
      {"grow", [](Habits& h) { h.grow = true; }},
      {"values", [](Habits& h) { h.normalise_values = true; }},
      {"rows", [](Habits& h) { h.minmax_rows = true; }},
      {"items", [](Habits& h) { h.loss_items = true; }},
      {"all", [](Habits& h) { h.collate_samples = h.grow = h.normalise_values = h.minmax_rows = h.loss_items = true; }},
  };
  return all;
}

class LibtorchBalerTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string why;
    baler = load_libtorch_baler(why);
    if (baler == nullptr) GTEST_SKIP() << why;
    trainer = load_trainer(why);
    config.epochs = 3;
    config.test_size = 0.1;
    config.seed = 9;
    model = make_model(columns, 3, false);
    test::fill(model, 2);
  }
  [[nodiscard]] ArrayView f4() const { return {table4.data(), nullptr, row_count, columns}; }
  [[nodiscard]] ArrayView f8() const { return {nullptr, table8.data(), row_count, columns}; }
  [[nodiscard]] TrainResult train(const Habits& habits, const ArrayView& table) const {
    Ranges ranges;
    return baler->train(table, config, habits, ranges, {}, {});
  }
  [[nodiscard]] NetworkOutput compress(const Habits& habits) const {
    Ranges ranges;
    return baler->compress(f4(), model, habits, ranges, {});
  }

  const LibtorchBaler* baler = nullptr;
  const Trainer* trainer = nullptr;
  std::vector<float> table4 = make_table<float>();
  std::vector<double> table8 = make_table<double>();
  TrainConfig config;
  Model model;
};

double largest_difference(const NetworkOutput& a, const std::vector<double>& b) {
  double largest = 0.0;
  EXPECT_EQ(a.f4.size() + a.f8.size(), b.size());
  for (std::size_t i = 0; i < b.size(); ++i)
    largest = std::max(largest, std::fabs((a.f8.empty() ? static_cast<double>(a.f4[i]) : a.f8[i]) - b[i]));
  return largest;
}

TEST_F(LibtorchBalerTest, TrainsAsTheTrainerHoweverItIsDone) {
  Ranges ranges;
  const TrainResult plain = baler->train(f8(), config, {}, ranges, {}, {});
  ASSERT_EQ(ranges.range.size(), columns);
  EXPECT_EQ(ranges.range[3], 0.0);
  std::vector<double> rows;
  for (std::size_t i = 0; i < table8.size(); ++i) {
    const std::size_t c = i % columns;
    rows.push_back((table8[i] - ranges.minimum[c]) / (ranges.range[c] == 0.0 ? 1.0 : ranges.range[c]));
  }
  const TrainResult expected = trainer->train(rows, columns, config, {});
  EXPECT_EQ(plain.train_loss, expected.train_loss);
  EXPECT_EQ(plain.model.decoder[3].weight, expected.model.decoder[3].weight);

  for (const bool plain_adam : {false, true}) {
    Habits habits;
    habits.autograd = true;
    habits.plain_adam = plain_adam;
    const TrainResult by_autograd = train(habits, f8());
    for (std::size_t i = 0; i < expected.train_loss.size(); ++i) {
      EXPECT_NEAR(by_autograd.train_loss[i], expected.train_loss[i], 1e-9 * expected.train_loss[i]);
      EXPECT_NEAR(by_autograd.validation_loss[i], expected.validation_loss[i], 1e-9 * expected.validation_loss[i]);
    }
    for (const Named& habit : exact_habits()) {
      Habits with = habits;
      habit.set(with);
      EXPECT_EQ(train(with, f8()).model.encoder[0].weight, by_autograd.model.encoder[0].weight) << habit.name;
    }
  }
}

TEST_F(LibtorchBalerTest, TrainsInNarrowTypes) {
  Habits habits;
  habits.type = NetworkType::Float32;
  const double expected = train(habits, f4()).train_loss.back();
  habits.autograd = true;
  EXPECT_NEAR(train(habits, f4()).train_loss.back(), expected, 1e-3 * expected);
  habits.type = NetworkType::BFloat16;
  EXPECT_NEAR(train(habits, f4()).train_loss.back(), expected, 0.2 * expected);
}

TEST_F(LibtorchBalerTest, LatentsDoNotDependOnHabits) {
  const NetworkOutput expected = compress({});
  ASSERT_EQ(expected.f8.size(), row_count * 3);
  for (const Named& habit : exact_habits()) {
    for (const bool autograd : {false, true}) {
      Habits habits;
      habits.autograd = autograd;
      habit.set(habits);
      EXPECT_EQ(compress(habits).f8, expected.f8) << habit.name;
    }
  }
  Habits other;
  other.frozen = true;
  EXPECT_LT(largest_difference(compress(other), expected.f8), 1e-12);
  other = {};
  other.batch_size = 13;
  other.threads = 2;
  EXPECT_LT(largest_difference(compress(other), expected.f8), 1e-12);
}

TEST_F(LibtorchBalerTest, NarrowLatentsAreNear) {
  const std::vector<double> expected = compress({}).f8;
  const auto error = [&](NetworkType type, bool frozen) {
    Habits habits;
    habits.type = type;
    habits.frozen = frozen;
    const NetworkOutput narrow = compress(habits);
    EXPECT_TRUE(narrow.f8.empty());
    return largest_difference(narrow, expected);
  };
  double size = 0.0;
  for (const double z : expected) size = std::max(size, std::fabs(z));
  EXPECT_LT(error(NetworkType::Float32, false), 1e-5 * size);
  EXPECT_LT(error(NetworkType::Float32, true), 1e-5 * size);
  EXPECT_LT(error(NetworkType::BFloat16, false), 0.05 * size);
  try {
    EXPECT_LT(error(NetworkType::Int8, false), 0.1 * size);
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::Unavailable) << e.what();
  }
}

TEST_F(LibtorchBalerTest, DecodesAndUndoesTheNormalisation) {
  const NetworkOutput latents = compress({});
  const ArrayView z{nullptr, latents.f8.data(), latents.rows, latents.columns};
  const Ranges unit{std::vector<double>(columns, 0.0), std::vector<double>(columns, 1.0)};
  const Ranges ranges{{1.0, 2.0, 3.0, 7.0, 5.0, 6.0}, {10.0, 20.0, 0.5, 0.0, 1e3, 1e-3}};
  const NetworkOutput decoded = baler->decompress(z, model, unit, {}, {});
  const NetworkOutput expected = baler->decompress(z, model, ranges, {}, {});
  ASSERT_EQ(decoded.f8.size(), row_count * columns);
  for (std::size_t i = 0; i < decoded.f8.size(); ++i)
    ASSERT_EQ(expected.f8[i], decoded.f8[i] * ranges.range[i % columns] + ranges.minimum[i % columns]);
  for (const Named& habit : exact_habits()) {
    Habits habits;
    habits.autograd = true;
    habit.set(habits);
    EXPECT_EQ(baler->decompress(z, model, ranges, habits, {}).f8, expected.f8) << habit.name;
  }
}

TEST_F(LibtorchBalerTest, TellsItsPhases) {
  std::vector<std::string> told;
  const PhaseHook hook = [&told](const char* phase, bool begin) {
    told.push_back((begin ? "+" : "-") + std::string(phase));
  };
  Ranges ranges;
  (void)baler->compress(f8(), model, {}, ranges, hook);
  EXPECT_EQ(told, (std::vector<std::string>{"+prepare/minmax", "-prepare/minmax", "+prepare/normalise",
                                            "-prepare/normalise", "+encode", "-encode"}));
}

TEST_F(LibtorchBalerTest, RefusesWhatDoesNotGoTogether) {
  const auto kind = [&](const std::function<void()>& work) {
    try {
      work();
    } catch (const Error& e) {
      EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos);
      return static_cast<int>(e.kind());
    }
    return 0;
  };
  Habits habits;
  habits.type = NetworkType::Int8;
  EXPECT_EQ(kind([&] { (void)train(habits, f8()); }), 2);
  habits.type = NetworkType::BFloat16;
  EXPECT_EQ(kind([&] { (void)train(habits, f8()); }), 2);
  Ranges ranges;
  EXPECT_EQ(kind([&] { (void)baler->compress({nullptr, table8.data(), 10, 5}, model, {}, ranges, {}); }), 3);
  EXPECT_EQ(kind([&] { (void)baler->decompress(f8(), model, {}, {}, {}); }), 3);
  EXPECT_EQ(kind([&] { (void)baler->compress({nullptr, table8.data(), 0, columns}, model, {}, ranges, {}); }), 2);
}

}  // namespace
}  // namespace haywatt::baler
