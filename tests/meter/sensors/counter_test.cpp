#include "meter/sensors/counter.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace haywatt::meter {
namespace {

/// Any course of power, any moments of reading: the joules are right within one count at each end and one a wrap.
TEST(Counter, FollowsAnyCourseAcrossItsWraps) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    std::mt19937_64 random(seed);
    const auto uniform = [&](double low, double high) {
      return std::uniform_real_distribution<double>(low, high)(random);
    };
    const double unit_J = std::exp(uniform(std::log(1e-6), std::log(1e-2)));
    const double range_J = std::exp(uniform(std::log(2e4), std::log(3e5)));
    const auto range = static_cast<std::uint64_t>(range_J / unit_J);
    const double counts = static_cast<double>(range) + 1.0;  // 0 … range
    Counter counter(unit_J, range);
    double true_J = uniform(0.0, range_J), at_s = 0.0;
    const double start_J = true_J;
    const auto raw = [&] { return static_cast<std::uint64_t>(std::fmod(std::floor(true_J / unit_J), counts)); };
    counter.advance(raw(), at_s);
    int wraps = 0;
    std::uint64_t before = raw();
    for (int i = 0; i < 400; ++i) {
      const double gap_s = std::exp(uniform(std::log(1e-4), std::log(range_J / 1000.0 * 0.9)));
      at_s += gap_s;
      true_J += uniform(0.0, 900.0) * gap_s;
      const std::uint64_t now = raw();
      wraps += now < before ? 1 : 0;
      before = now;
      counter.advance(now, at_s);
      ASSERT_EQ(counter.problem(), "") << "seed " << seed;
      ASSERT_NEAR(counter.joules(), true_J - start_J, unit_J * (1.5 + wraps)) << "seed " << seed << " reading " << i;
    }
  }
}

TEST(Counter, AResetIsNoWrap) {
  Counter counter(1e-6, 262'143'328'850);
  counter.advance(100'000'000'000, 0.0);
  counter.advance(100'050'000'000, 1.0);
  EXPECT_DOUBLE_EQ(counter.joules(), 50.0);
  counter.advance(3'000'000, 2.0);  // as a wrap that would be 162 kJ in a second
  EXPECT_FALSE(counter.sound());
  EXPECT_NE(counter.problem().find("it was reset"), std::string::npos);
  counter.advance(4'000'000, 3.0);
  EXPECT_DOUBLE_EQ(counter.joules(), 50.0) << "after that nothing is known";
}

TEST(Counter, OneThatDoesNotWrapMayNotGoBack) {
  Counter counter(1.0, 0);
  counter.advance(1000, 0.0);
  counter.advance(1500, 100'000.0);
  EXPECT_TRUE(counter.sound());
  counter.advance(1499, 100'001.0);
  EXPECT_FALSE(counter.sound());
}

TEST(Counter, ReadTooSeldomItMayHaveWrappedTwice) {
  Counter counter(15.3e-6, 0xffffffff);  // 65.7 kJ
  counter.advance(5, 0.0);
  counter.advance(1000, 60.0);
  EXPECT_TRUE(counter.sound());
  counter.advance(2000, 200.0);
  EXPECT_NE(counter.problem().find("was not read for 140 s"), std::string::npos) << counter.problem();
}

TEST(PowerIntegral, TrapezoidsAndThenTheLastPowerGoesOn) {
  PowerIntegral p;
  EXPECT_EQ(p.joules(5.0), 0.0);
  p.add(10.0, 100.0);
  EXPECT_DOUBLE_EQ(p.joules(10.5), 50.0);
  p.add(11.0, 200.0);
  EXPECT_DOUBLE_EQ(p.joules(11.0), 150.0);
  EXPECT_DOUBLE_EQ(p.joules(12.0), 350.0);
  p.add(12.0, 0.0);
  EXPECT_DOUBLE_EQ(p.joules(12.0), 350.0) << "it never goes back";
  p.add(13.0, 0.0);
  p.add(14.0, 400.0);
  EXPECT_DOUBLE_EQ(p.joules(14.0), 450.0);
}

/// Whatever the samples, it rises, and at the end is the trapezoids' sum or what was told before.
TEST(PowerIntegral, NeverGoesBack) {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> power(0.0, 300.0), gap(0.0, 2.0);
  PowerIntegral p;
  double at_s = 0.0, before = 0.0, exact = 0.0, last_W = 0.0;
  for (int i = 0; i < 1000; ++i) {
    const double gap_s = gap(random), watts = power(random);
    at_s += gap_s;
    const double between = p.joules(at_s - 0.5 * gap_s);
    EXPECT_GE(between, before);
    before = between;
    if (i > 0) exact += 0.5 * (last_W + watts) * gap_s;
    p.add(at_s, watts);
    last_W = watts;
    EXPECT_GE(p.joules(at_s), before);
    before = p.joules(at_s);
    EXPECT_NEAR(before, exact, 600.0);
  }
}

}  // namespace
}  // namespace haywatt::meter
