#include "haywatt/metrics/paired.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <random>
#include <vector>

namespace haywatt::metrics {
namespace {

TEST(StudentT, MatchesTables) {
  // Abramowitz and Stegun, table 26.10.
  EXPECT_NEAR(student_t_quantile(0.975, 1), 12.706, 5e-4);
  EXPECT_NEAR(student_t_quantile(0.975, 4), 2.776, 5e-4);
  EXPECT_NEAR(student_t_quantile(0.995, 10), 3.169, 5e-4);
  EXPECT_NEAR(student_t_quantile(0.975, 120), 1.980, 5e-4);
  EXPECT_NEAR(student_t_quantile(0.025, 4), -2.776, 5e-4);
  for (const double t : {-30.0, -2.0, 0.0, 0.3, 5.0})  // one degree of freedom: Cauchy
    EXPECT_NEAR(student_t_cdf(t, 1), 0.5 + std::atan(t) / std::numbers::pi, 1e-12);
}

TEST(PairedCentre, MatchesAWorkedExample) {
  // Signed-rank distribution of n = 6: P(W = 0) = 1/64, P(W <= 1) = 2/64; a tail of 2.5 % lies 0.6 of the way from the
  // least Walsh average to the second.
  const std::vector<double> d = {1.0, 2.0, 3.0, 4.0, 5.0, 16.0};
  const Estimate e = paired_centre(d);
  EXPECT_DOUBLE_EQ(e.centre, 3.5);  // 21 means, the 11th of them; the outlier of 16 moves it little
  EXPECT_NEAR(e.low, 1.0 + 0.6 * 0.5, 1e-12);
  EXPECT_NEAR(e.high, 16.0 - 0.6 * (16.0 - 10.5), 1e-12);
}

TEST(PairedCentre, FewValues) {
  EXPECT_TRUE(std::isnan(paired_centre({}).centre));
  const std::vector<double> one = {0.3}, two = {0.1, 0.3};
  EXPECT_EQ(paired_centre(one).high, std::numeric_limits<double>::infinity());
  EXPECT_EQ(probability_below_zero(paired_centre(one)), 0.5);
  const Estimate e = paired_centre(two);
  EXPECT_DOUBLE_EQ(e.centre, 0.2);
  EXPECT_NEAR(e.high - e.centre, 12.706 * 0.1, 1e-3);
}

TEST(PairedCentre, EqualValuesHaveNoWidth) {
  const std::vector<double> same(9, 0.0), less(9, -0.1);
  EXPECT_EQ(half_width(paired_centre(same)), 0.0);
  EXPECT_EQ(probability_below_zero(paired_centre(same)), 0.5);
  EXPECT_EQ(probability_below_zero(paired_centre(less)), 1.0);
}

TEST(PairedCentre, FollowsShiftAndSignOfTheValues) {
  std::mt19937_64 random(5);
  std::normal_distribution<double> normal;
  for (int round = 0; round < 200; ++round) {
    std::vector<double> d(2 + random() % 40), moved, turned;
    for (double& x : d) {
      x = normal(random);
      moved.push_back(x + 3.0);
      turned.push_back(-x);
    }
    const Estimate e = paired_centre(d), m = paired_centre(moved), t = paired_centre(turned);
    EXPECT_NEAR(m.centre, e.centre + 3.0, 1e-9);
    EXPECT_NEAR(m.low, e.low + 3.0, 1e-9);
    EXPECT_NEAR(t.high, -e.low, 1e-9);
    EXPECT_NEAR(probability_below_zero(e) + probability_below_zero(t), 1.0, 1e-12);
    EXPECT_LE(e.low, e.centre);
    EXPECT_LE(e.centre, e.high);
    EXPECT_EQ(probability_below_zero(e) >= 0.975, e.high <= 0.0);
    const Estimate w = widened(e, 0.2);
    EXPECT_EQ(probability_below_zero(w) >= 0.975, w.high <= 0.0);
    EXPECT_GE(half_width(w), half_width(e));
    EXPECT_GE(half_width(w), 1.95 * 0.2);
  }
}

TEST(PairedCentre, OneWildValueOfTwentyDoesNotWidenItMuch) {
  std::vector<double> d;
  for (int i = 0; i < 20; ++i) d.push_back(0.01 * (i % 5 - 2));
  const double before = half_width(paired_centre(d));
  d[7] = 5.0;
  EXPECT_LT(half_width(paired_centre(d)), 2.0 * before);
}

TEST(UnpairedCentre, CoversAtItsLevel) {
  std::mt19937_64 random(6);
  std::normal_distribution<double> normal;
  int covered = 0;
  const int rounds = 4000;
  for (int round = 0; round < rounds; ++round) {
    std::vector<double> a(3 + random() % 8), b(3 + random() % 8);
    for (double& x : a) x = 0.01 * normal(random);
    for (double& x : b) x = 0.3 + 0.03 * normal(random);
    const Estimate e = unpaired_centre(a, b);
    covered += e.low <= 0.3 && 0.3 <= e.high;
  }
  EXPECT_GT(covered, 0.935 * rounds);
  EXPECT_LT(covered, 0.975 * rounds);
}

TEST(UnpairedCentre, OneRunTellsNoScatter) {
  const std::vector<double> one = {1.0}, more = {1.5, 1.6};
  const Estimate e = unpaired_centre(one, more);
  EXPECT_NEAR(e.centre, 0.55, 1e-12);
  EXPECT_EQ(e.low, -std::numeric_limits<double>::infinity());
  EXPECT_FALSE(values_needed(e, 0.03).has_value());
}

TEST(Detectable, IsToldFourTimesOutOfFive) {
  std::mt19937_64 random(7);
  std::normal_distribution<double> normal;
  const std::size_t n = 30;
  double sum = 0.0;
  std::vector<double> d(n);
  const auto draw = [&](double shift) {
    for (double& x : d) x = shift + 0.05 * normal(random);
    return paired_centre(d);
  };
  for (int i = 0; i < 500; ++i) sum += detectable(draw(0.0));
  const double shift = sum / 500;
  int told = 0;
  for (int i = 0; i < 2000; ++i) told += draw(shift).low > 0.0;
  EXPECT_NEAR(told / 2000.0, 0.8, 0.04);
}

TEST(ValuesNeeded, QuarteredForTwiceTheWidth) {
  const Estimate e{0.0, -0.06, 0.06, 10, ""};
  EXPECT_EQ(values_needed(e, 0.03).value(), 40U);
  EXPECT_EQ(values_needed(e, 0.06).value(), 10U);
  EXPECT_FALSE(values_needed(widened(e, 0.02), 0.03, 0.02).has_value());  // 1.96 * 0.02 alone is wider
  EXPECT_GT(values_needed(widened(e, 0.01), 0.03, 0.01).value(), 40U);
}

}  // namespace
}  // namespace haywatt::metrics
