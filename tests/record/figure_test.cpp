#include "haywatt/record/figure.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "haywatt/base/error.hpp"

namespace haywatt {
namespace {

constexpr double z95 = 1.95996398454;

Component part(const char* name, double u_rel, CorrelationKind kind, const char* id) {
  return {name, 'B', u_rel, 0.0, {kind, id}};
}
Component shift(const char* name, double u_abs, CorrelationKind kind, const char* id) {
  return {name, 'A', 0.0, u_abs, {kind, id}};
}

TEST(Figure, RelativePartsMultiplyAsFactors) {
  // energy.md, section 4, recipe (2): T2c with F = 2.3 and a workload factor 2 give 2.95.
  const auto f = Figure::from_components(10.0, "J",
                                         {part("model", std::log(2.3) / 1.96, CorrelationKind::Model, "m"),
                                          part("workload", std::log(2.0) / 1.96, CorrelationKind::Model, "w")});
  EXPECT_NEAR(f.high / f.value, 2.955, 0.001);
  EXPECT_NEAR(f.value / f.low, 2.955, 0.001);
  EXPECT_EQ(f.interval, "components, log-normal");
}

TEST(Figure, AbsolutePartsAddInQuadrature) {
  const auto f = Figure::from_components(
      10.0, "J", {shift("a", 0.3, CorrelationKind::Run, "1"), shift("b", 0.4, CorrelationKind::Run, "2")});
  EXPECT_NEAR(f.high - f.value, z95 * 0.5, 1e-9);
  EXPECT_NEAR(f.value - f.low, z95 * 0.5, 1e-9);
}

TEST(Figure, MixedPartsAreDrawn) {
  const std::vector<Component> parts = {part("a", 0.02, CorrelationKind::Run, "1"),
                                        shift("b", 0.4, CorrelationKind::Run, "2")};
  const auto f = Figure::from_components(10.0, "J", parts);
  EXPECT_NEAR(f.high - f.low, 2 * z95 * std::hypot(0.2, 0.4), 0.05);  // both small: nearly normal
  const auto again = Figure::from_components(10.0, "J", parts);
  EXPECT_EQ(f.low, again.low);
  EXPECT_EQ(f.high, again.high);
  EXPECT_EQ(f.interval, "components, Monte Carlo of 10000 draws");
}

TEST(Figure, ExactHasNoWidth) {
  const auto f = Figure::exact(7.0, "B");
  EXPECT_EQ(f.low, 7.0);
  EXPECT_EQ(f.high, 7.0);
  EXPECT_TRUE(f.components.empty());
}

TEST(Figure, RepeatsGiveMedianAndBootstrap) {
  const auto f = Figure::from_repeats({5.0, 1.0, 4.0, 2.0, 3.0, 100.0}, "s", "run-1");
  EXPECT_DOUBLE_EQ(f.value, 3.5);
  EXPECT_GE(f.low, 1.0);
  EXPECT_LT(f.low, 3.5);
  EXPECT_GT(f.high, 3.5);
  EXPECT_LE(f.high, 100.0);
  EXPECT_EQ(f.interval, "bootstrap of 6 repeats, median");
  ASSERT_EQ(f.components.size(), 1U);
  EXPECT_EQ(f.components[0].type, 'A');
  EXPECT_NEAR(f.components[0].u_abs, (f.high - f.low) / (2 * z95), 1e-12);
  EXPECT_EQ(f.components[0].correlation.id, "run-1");
}

TEST(Figure, BootstrapOfMedianCoversTheTruthAboutAsOftenAsItSays) {
  std::mt19937_64 random(11);
  std::normal_distribution<double> normal(100.0, 5.0);
  int covered = 0;
  constexpr int trials = 100;
  for (int t = 0; t < trials; ++t) {
    std::vector<double> values(10);
    for (double& v : values) v = normal(random);
    const auto f = Figure::from_repeats(values, "s", "r");
    covered += f.low <= 100.0 && 100.0 <= f.high;
  }
  EXPECT_GE(covered, 85);
}

TEST(Figure, FewRepeatsAreWidenedAndSaySo) {
  const auto two = Figure::from_repeats({3.0, 4.0}, "s", "r");
  EXPECT_DOUBLE_EQ(two.value, 3.5);
  EXPECT_DOUBLE_EQ(two.low, 1.5);
  EXPECT_DOUBLE_EQ(two.high, 8.0);
  EXPECT_NE(two.interval.find("2 repeats"), std::string::npos);
  EXPECT_NE(Figure::from_repeats({3.0}, "s", "r").interval.find("1 repeat:"), std::string::npos);
  EXPECT_TRUE(std::isnan(Figure::from_repeats({}, "s", "r").value));
  EXPECT_TRUE(std::isnan(Figure::from_repeats({NAN}, "s", "r").value));
}

TEST(Algebra, SharedFactorCancelsInARatio) {
  const auto model = part("model", 0.5, CorrelationKind::Model, "VM");
  const auto a = Figure::from_components(30.0, "J", {model, part("repeats", 0.03, CorrelationKind::Run, "a")});
  const auto b = Figure::from_components(10.0, "J", {model, part("repeats", 0.04, CorrelationKind::Run, "b")});
  const auto r = ratio(a, b);
  EXPECT_DOUBLE_EQ(r.value, 3.0);
  EXPECT_EQ(r.unit, "1");
  EXPECT_NEAR(std::log(r.high / r.value), z95 * 0.05, 1e-9);
  for (const auto& c : r.components) EXPECT_NE(c.name, "model");
}

TEST(Algebra, OnlySameKindAndSameIdCancel) {
  const auto one = Figure::from_components(10.0, "J", {part("gain", 0.1, CorrelationKind::Sensor, "x")});
  for (const auto& other :
       {part("gain", 0.1, CorrelationKind::Sensor, "y"), part("gain", 0.1, CorrelationKind::Run, "x"),
        part("gain", 0.1, CorrelationKind::Sensor, "")}) {
    const auto r = ratio(one, Figure::from_components(10.0, "J", {other}));
    EXPECT_NEAR(std::log(r.high), z95 * std::hypot(0.1, 0.1), 1e-9);
  }
  const auto anonymous = Figure::from_components(10.0, "J", {part("gain", 0.1, CorrelationKind::Run, "")});
  EXPECT_GT(ratio(anonymous, anonymous).high, 1.2);
  EXPECT_DOUBLE_EQ(ratio(one, one).high, 1.0);
}

TEST(Algebra, PartlySharedFactorLeavesTheDifference) {
  const auto a = Figure::from_components(10.0, "J", {part("m", 0.5, CorrelationKind::Model, "i")});
  const auto b = Figure::from_components(10.0, "J", {part("m", 0.3, CorrelationKind::Model, "i")});
  EXPECT_NEAR(std::log(ratio(a, b).high), z95 * 0.2, 1e-9);
}

TEST(Algebra, RatioByNothingIsUndefined) {
  const auto a = Figure::exact(1.0, "J");
  for (const double bad : {0.0, -1.0, std::numeric_limits<double>::quiet_NaN()}) {
    const auto r = ratio(a, Figure::exact(bad, "s"));
    EXPECT_TRUE(std::isnan(r.value));
    EXPECT_EQ(r.low, 0.0);
    EXPECT_TRUE(std::isinf(r.high));
    EXPECT_EQ(r.unit, "J/s");
  }
}

TEST(Algebra, DifferenceKeepsACommonFactor) {
  const auto model = part("model", 0.5, CorrelationKind::Model, "VM");
  const auto d = difference(Figure::from_components(10.0, "J", {model}), Figure::from_components(8.0, "J", {model}));
  EXPECT_DOUBLE_EQ(d.value, 2.0);
  EXPECT_NEAR(d.high / d.value, std::exp(z95 * 0.5), 1e-9);  // never changes sign: both move together
  EXPECT_GT(d.low, 0.0);
}

TEST(Algebra, IndependentShiftsAddInQuadrature) {
  const auto a = Figure::from_components(10.0, "s", {shift("r", 3.0, CorrelationKind::Run, "a")});
  const auto b = Figure::from_components(4.0, "s", {shift("r", 4.0, CorrelationKind::Run, "b")});
  EXPECT_NEAR(difference(a, b).high, 6.0 + z95 * 5.0, 1e-9);
  EXPECT_NEAR(sum(a, b).low, 14.0 - z95 * 5.0, 1e-9);
  const auto zero = difference(a, a);
  EXPECT_DOUBLE_EQ(zero.low, 0.0);
  EXPECT_DOUBLE_EQ(zero.high, 0.0);
}

TEST(Algebra, MixedSumIsDrawn) {
  const auto measured = Figure::from_components(100.0, "J", {shift("gain", 2.0, CorrelationKind::Sensor, "rapl")});
  const auto estimated = Figure::from_components(10.0, "J", {part("model", 0.4, CorrelationKind::Model, "dram")});
  const auto s = sum(measured, estimated);
  EXPECT_DOUBLE_EQ(s.value, 110.0);
  EXPECT_GT(s.low, 102.0);
  EXPECT_LT(s.low, 107.0);
  EXPECT_GT(s.high, 115.0);
  EXPECT_LT(s.high, 125.0);
  EXPECT_EQ(s.interval, "joint, Monte Carlo of 10000 draws");
}

TEST(Algebra, ChainOfRatiosCancelsAtTheEnd) {
  const auto gain = part("gain", 0.2, CorrelationKind::Sensor, "board");
  const auto a = Figure::from_components(6.0, "J", {gain});
  const auto per_s = ratio(a, Figure::exact(2.0, "s"));
  EXPECT_EQ(per_s.unit, "J/s");
  EXPECT_DOUBLE_EQ(ratio(per_s, a).high, ratio(per_s, a).low);
  const auto inverse = ratio(Figure::exact(1.0, "1"), a);  // falls when the gain rises
  EXPECT_NEAR(std::log(ratio(inverse, a).high * 36.0), z95 * 0.4, 1e-9);
}

TEST(Algebra, ScalingKeepsFactorsAndScalesShifts) {
  const auto a = Figure::from_components(2.0, "J", {shift("r", 0.1, CorrelationKind::Run, "a")});
  const auto s = scaled(a, 1000.0, "mJ");
  EXPECT_DOUBLE_EQ(s.value, 2000.0);
  EXPECT_DOUBLE_EQ(s.components[0].u_abs, 100.0);
  EXPECT_DOUBLE_EQ(s.low, 1000.0 * a.low);
  EXPECT_LT(scaled(a, -1.0, "J").low, scaled(a, -1.0, "J").high);
}

TEST(Algebra, UnitsMustAgree) { EXPECT_THROW((void)sum(Figure::exact(1.0, "J"), Figure::exact(1.0, "s")), Error); }

/// Whatever the components, the value lies between low and high and the algebra is consistent with itself.
TEST(Algebra, PropertiesOfRandomFigures) {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> value(0.1, 100.0), small(0.0, 0.3);
  std::uniform_int_distribution<int> count(0, 4), id(0, 3);
  const auto any = [&] {
    std::vector<Component> parts;
    const double v = value(random);
    for (int i = count(random); i > 0; --i) {
      const std::string name = std::to_string(id(random));
      parts.push_back(small(random) < 0.15 ? part("p", small(random), CorrelationKind::Model, name.c_str())
                                           : shift("p", small(random) * v, CorrelationKind::Model, name.c_str()));
    }
    return Figure::from_components(v, "J", parts);
  };
  for (int i = 0; i < 200; ++i) {
    const Figure a = any(), b = any();
    for (const Figure& f : {a, ratio(a, b), sum(a, b), difference(a, b)}) {
      EXPECT_LE(f.low, f.high);
      // Drawn intervals of strongly skewed figures still hold their median.
      EXPECT_LE(f.low, f.value + 0.02 * std::fabs(f.value) + 1e-9);
      EXPECT_GE(f.high, f.value - 0.02 * std::fabs(f.value) - 1e-9);
    }
    const Figure self = ratio(a, a);
    EXPECT_DOUBLE_EQ(self.value, 1.0);
    EXPECT_NEAR(self.low, 1.0, 1e-9);
    EXPECT_NEAR(self.high, 1.0, 1e-9);
    const Figure nothing = difference(a, a);
    EXPECT_NEAR(nothing.high - nothing.low, 0.0, 1e-9);
    EXPECT_NEAR(ratio(a, b).value * ratio(b, a).value, 1.0, 1e-12);
    EXPECT_NEAR(ratio(a, b).high * ratio(b, a).low, 1.0, 1e-9);
  }
}

}  // namespace
}  // namespace haywatt
