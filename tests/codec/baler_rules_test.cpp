#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "codec/baler/scalars.hpp"
#include "codec/baler/settings.hpp"
#include "codec/baler/training_rules.hpp"
#include "codec/baler_golden.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt_test_paths.hpp"

namespace haywatt::baler {
namespace {

nlohmann::json golden() {
  return nlohmann::json::parse(read_text_file(std::string(HAYWATT_SOURCE_DIR) + "/tests/golden/baler/training.json"));
}

TEST(BalerSplit, IsNumpysPermutation) {
  const nlohmann::json all = golden();
  for (const auto& [count, order] : all["permutation"].items())
    EXPECT_EQ(numpy_permutation(1, std::stoull(count)), order.get<std::vector<std::int64_t>>()) << count;
  const auto big = numpy_permutation(1, 100000);
  EXPECT_EQ((std::vector<std::int64_t>{big[0], big[1], big[99998], big[99999]}),
            all["permutation_100000_ends"].get<std::vector<std::int64_t>>());
}

TEST(BalerSplit, IsSklearnsSplit) {
  const nlohmann::json all = golden();
  const Split split = split_rows(101, 0.15);
  EXPECT_EQ(split.train, all["split_101_at_0.15"][0].get<std::vector<std::int64_t>>());
  EXPECT_EQ(split.test, all["split_101_at_0.15"][1].get<std::vector<std::int64_t>>());
  EXPECT_EQ(split_rows(3, 0.0).train, (std::vector<std::int64_t>{0, 1, 2}));
}

TEST(BalerSchedule, HalvesAfterPatienceAndStopsAtTheLeastRate) {
  PlateauSchedule schedule(0.001, 1);
  EXPECT_EQ(schedule.step(1.0), 0.001);
  EXPECT_EQ(schedule.step(0.99995), 0.001);  // better by less than the threshold: the first bad epoch
  EXPECT_EQ(schedule.step(1.0), 0.0005);     // the second
  EXPECT_EQ(schedule.step(1.0), 0.0005);
  EXPECT_EQ(schedule.step(0.9), 0.0005);
  for (int i = 0; i < 100; ++i) schedule.step(1.0);
  EXPECT_EQ(schedule.step(1.0), 1e-6);
}

TEST(BalerEarlyStopping, CountsWorseEpochsButNotEqualOnes) {
  EarlyStopping stopping(2, 0.125);
  EXPECT_FALSE(stopping.step(1.0));
  EXPECT_FALSE(stopping.step(0.9375));  // better, but by less than min_delta: one
  EXPECT_FALSE(stopping.step(0.5));     // reset
  EXPECT_FALSE(stopping.step(0.75));    // one
  EXPECT_FALSE(stopping.step(0.375));   // better by min_delta: neither
  EXPECT_TRUE(stopping.step(2.0));      // two
  EarlyStopping flat(1, 0.0);
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(flat.step(1.0));  // equal: neither
  EXPECT_TRUE(flat.step(1.0000001));
}

TEST(BalerSettings, PresetsAndOverrides) {
  const Settings plain = parse_settings(MethodSpec{"baler", {}});
  EXPECT_EQ(plain.train.compression_ratio, 2.0);
  EXPECT_EQ(plain.train.epochs, 5);
  EXPECT_EQ(plain.train.batch_size, 512);
  EXPECT_TRUE(plain.train.early_stopping && plain.train.lr_scheduler);
  const Settings cms = parse_settings(MethodSpec{"baler", {{"config", "cms"}, {"epochs", "10"}, {"dtype", "f4"}}});
  EXPECT_EQ(cms.train.compression_ratio, 1.6);
  EXPECT_EQ(cms.train.epochs, 10);
  EXPECT_EQ(cms.float32, true);
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"config", "atlas"}, {"epochs", "0"},    {"epochs", "1.5"},       {"lr", "-1"},     {"lr", "nan"},
      {"ratio", "zero"},   {"test_size", "1"}, {"early_stopping", "2"}, {"dtype", "f16"}, {"seed", "-1"}};
  for (const auto& [key, value] : bad)
    EXPECT_THROW(static_cast<void>(parse_settings(MethodSpec{"baler", {{key, value}}})), Error) << key << value;
}

TEST(BalerScalars, EveryHalfSurvivesFloat) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const Half half{static_cast<std::uint16_t>(bits)};
    const float value = half_to_float(half);
    if (!std::isfinite(value)) continue;
    ASSERT_EQ(float_to_half(value).bits, bits);
    if ((bits & 0x7fffU) < 0x7bffU) {  // halfway to the next: to the even one
      const float next = half_to_float(Half{static_cast<std::uint16_t>(bits + 1)});
      ASSERT_EQ(float_to_half((value + next) / 2).bits, (bits & 1U) == 0 ? bits : bits + 1);
    }
    ASSERT_EQ(from_ordered<Half>(to_ordered(half)).bits, bits);
  }
}

TEST(BalerScalars, OrderedBitsGrowWithTheValueAndComeBack) {
  const std::vector<double> growing = {-HUGE_VAL, -1e300, -1.0, -0x1p-1074, -0.0, 0.0, 0x1p-1074, 1.0, 2.5, HUGE_VAL};
  for (std::size_t i = 0; i + 1 < growing.size(); ++i) EXPECT_LT(to_ordered(growing[i]), to_ordered(growing[i + 1]));
  test::Lcg g(1);
  for (int i = 0; i < 100000; ++i) {
    const auto bits = static_cast<std::uint64_t>(g.next() * 0x1p53) * 2048 + static_cast<std::uint64_t>(i % 2048);
    ASSERT_EQ(std::bit_cast<std::uint64_t>(from_ordered<double>(to_ordered(std::bit_cast<double>(bits)))), bits);
    const auto single = static_cast<std::uint32_t>(bits >> 17);
    ASSERT_EQ(std::bit_cast<std::uint32_t>(from_ordered<float>(to_ordered(std::bit_cast<float>(single)))), single);
  }
}

TEST(BalerScalars, NearestClampsToTheType) {
  EXPECT_EQ(nearest<std::uint8_t>(-3.0), 0);
  EXPECT_EQ(nearest<std::uint8_t>(300.0), 255);
  EXPECT_EQ(nearest<std::int8_t>(2.5), 2);
  EXPECT_EQ(nearest<std::int64_t>(1e300), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(nearest<std::uint64_t>(1e300), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(nearest<float>(-1e300), -std::numeric_limits<float>::max());
  EXPECT_EQ(nearest<Half>(1e6).bits, 0x7bffU);
}

}  // namespace
}  // namespace haywatt::baler
