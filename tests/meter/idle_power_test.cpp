#include "meter/idle_power.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace haywatt::meter {
namespace {

TEST(MeasuredIdle, IsTheMeanOfTheWatch) {
  const std::vector<IdleSecond> watched = {{50.0, 1.0, 0.0}, {52.0, 1.0, 0.0}, {96.0, 2.0, 0.0}};
  const auto idle = measured_idle(watched, 4);
  ASSERT_TRUE(idle.has_value());
  EXPECT_TRUE(idle->measured);
  EXPECT_DOUBLE_EQ(idle->watts, 198.0 / 4.0);
  // s of 50, 52, 48 about 49.5 over sqrt(3), and 3 % for heat.
  EXPECT_NEAR(idle->u_W, std::hypot(std::sqrt((0.25 + 6.25 + 2.25) / 2.0 / 3.0), 0.03 * 49.5), 1e-9);
  EXPECT_NE(idle->note.find("measured"), std::string::npos);
}

TEST(MeasuredIdle, WhatRanMeanwhileIsTakenOff) {
  const auto quiet = measured_idle({{50.0, 1.0, 0.0}, {50.0, 1.0, 0.0}}, 4);
  const auto busy = measured_idle({{50.0, 1.0, 0.4}, {50.0, 1.0, 0.4}}, 4);
  EXPECT_LT(busy->watts, 0.8 * quiet->watts);
  EXPECT_GT(busy->u_W, 3.0 * quiet->u_W);
  // On a device CPU time says nothing.
  EXPECT_DOUBLE_EQ(measured_idle({{50.0, 1.0, 0.4}, {50.0, 1.0, 0.4}}, 0)->watts, 50.0);
}

TEST(MeasuredIdle, SlowCountersAndShortWatchesSaySo) {
  EXPECT_GT(measured_idle({{50.0, 1.0, 0.0}}, 4)->u_W, 49.0);
  EXPECT_GT(measured_idle({{50.0, 1.0, 0.0}, {50.0, 1.0, 0.0}}, 4, 1.0)->u_W, 9.0);
  EXPECT_EQ(measured_idle({}, 4), std::nullopt);
  EXPECT_EQ(measured_idle({{NAN, 1.0, 0.0}, {1.0, 0.0, 0.0}}, 4), std::nullopt);
}

TEST(GuessedIdle, OfADeviceLiesBetweenNothingAndTheLeastPower) {
  Timeline t;
  std::vector<double> joules;
  for (int s = 0; s <= 4; ++s) {
    t.readings.push_back({std::int64_t{s} * 1'000'000'000, 0, 0.0, true});
    joules.push_back(s < 2 ? 100.0 * s : 200.0 + 300.0 * (s - 2));
    if (s > 0) t.slices.emplace_back();
  }
  const IdlePower idle = guess_device_idle(t, joules, 0.02);
  EXPECT_NEAR(idle.watts, 50.0, 1e-9);
  EXPECT_LE(idle.watts - 1.96 * idle.u_W, 0.0);
  EXPECT_GE(idle.watts + 1.96 * idle.u_W, 100.0);
}

TEST(GuessedIdle, StretchesAreLongAgainstTheCountersPeriod) {
  // A counter that moves every 2 s: seconds of 0 J and of 100 J by turns are 50 W, not an idle power of 0.
  Timeline t;
  std::vector<double> joules;
  for (int s = 0; s <= 40; ++s) {
    t.readings.push_back({std::int64_t{s} * 1'000'000'000, 0, 0.0, true});
    joules.push_back(100.0 * (s / 2));
    if (s > 0) t.slices.emplace_back();
  }
  EXPECT_NEAR(guess_idle(t, joules, 4, 2.0).watts, 50.0, 3.0);
  EXPECT_EQ(guess_idle(t, joules, 4, 0.0).watts, 0.0);
}

}  // namespace
}  // namespace haywatt::meter
