// Do the intervals hold what they say, with the rule that decides when to stop inside? (docs/compare.md has the table.)
#include <gtest/gtest.h>

#include <map>

#include "experiment/compare_simulation.hpp"

namespace haywatt::experiment {
namespace {

constexpr int comparisons = 1200;

struct Tally {
  int covered = 0, above_one = 0, told = 0, n = 0;
  double width = 0.0;
};

struct Outcome {
  std::map<std::string, Tally> metrics;
  double pairs = 0.0;
  int worse = 0;
};

double truth_of(const Truth& t, const std::string& metric) {
  if (metric == "energy") return t.energy;
  if (metric == "cpu") return t.cpu;
  return metric == "time" ? t.time : t.memory;
}

Outcome simulate(const Disturbance& d, CompareOptions options, bool same, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto ratio = [&] { return same ? 1.0 : 0.5 * std::pow(4.0, std::uniform_real_distribution<double>()(random)); };
  Outcome o;
  for (int i = 0; i < comparisons; ++i) {
    const Truth truth{ratio(), ratio(), ratio(), ratio()};
    options.seed = random();
    const ComparisonRecord r = SimulatedPair(truth, d, random()).compare(options);
    o.pairs += static_cast<double>(r.pairs) / comparisons;
    o.worse += r.worse;
    for (const ComparedMetric& m : r.metrics) {
      if (m.rule == "marginal") continue;
      Tally& t = o.metrics[m.name];
      const double truly = truth_of(truth, m.name);
      ++t.n;
      t.covered += m.ratio.low <= truly && truly <= m.ratio.high;
      t.above_one += m.ratio.low > 1.0;
      t.width += (m.ratio.high / m.ratio.low - 1.0) / 2.0 / comparisons;
    }
  }
  return o;
}

/// At least 93 % covered, and not so wide that nearly everything is.
void expect_honest(const Outcome& o, double most = 0.985) {
  for (const auto& [name, t] : o.metrics) {
    const double covered = static_cast<double>(t.covered) / t.n;
    std::printf("  %-7s covered %.1f %%, width ±%.1f %%, %.1f pairs\n", name.c_str(), 100.0 * covered, 100.0 * t.width,
                o.pairs);
    EXPECT_EQ(t.n, comparisons);
    EXPECT_GE(covered, 0.93) << name;
    EXPECT_LE(covered, most) << name;
  }
  EXPECT_EQ(o.metrics.size(), 4U);
}

CompareOptions up_to_40_pairs() {
  CompareOptions options;
  options.budget_s = 2.0 * 40 * 2.6;  // about 40 pairs of the simulated programs
  return options;
}

TEST(CompareCoverage, QuietMachine) {
  Disturbance d;
  d.noise = 0.01;
  d.outlier_share = d.drift = 0.0;
  expect_honest(simulate(d, up_to_40_pairs(), false, 1));
}

TEST(CompareCoverage, OutliersAndDrift) { expect_honest(simulate({}, up_to_40_pairs(), false, 2)); }

TEST(CompareCoverage, HeavyTailsOutliersAndSteadyDrift) {
  Disturbance d;
  d.noise = 0.03;
  d.heavy_tails = true;
  d.drift = 0.05;
  d.slope = 0.1;
  expect_honest(simulate(d, up_to_40_pairs(), false, 3));
}

TEST(CompareCoverage, NoisyEnoughToStopMidway) {  // where stopping at the first narrow interval costs most
  Disturbance d;
  d.noise = 0.05;
  d.outlier_share = 0.0;
  expect_honest(simulate(d, up_to_40_pairs(), false, 4));
}

TEST(CompareCoverage, OnlyOneSideHasOutliers) {
  Disturbance d;
  d.outliers_in_b_only = true;
  expect_honest(simulate(d, up_to_40_pairs(), false, 5));
}

TEST(CompareCoverage, FixedNumbersOfPairs) {
  for (const int pairs : {5, 6, 9, 20}) {
    CompareOptions options;
    options.pairs = pairs;
    expect_honest(simulate({}, options, false, 50 + static_cast<std::uint64_t>(pairs)));
  }
}

TEST(CompareCoverage, WhatIsAssumedOfASideIsInTheInterval) {
  Disturbance d;
  d.attribution = 0.03;
  expect_honest(simulate(d, up_to_40_pairs(), false, 30));
}

TEST(CompareCoverage, EstimateOfDifferentPrograms) {
  Disturbance d;
  d.method_watts = 0.134;  // ln 1.3 / 1.96
  d.gain = 0.4;
  const Outcome o = simulate(d, up_to_40_pairs(), false, 31);
  expect_honest(o);
  EXPECT_GT(o.metrics.at("energy").width, 3.0 * o.metrics.at("cpu").width);
}

TEST(CompareAlarms, SameProgramIsRarelyCalledWorse) {
  CompareOptions options = up_to_40_pairs();
  options.fail_if_worse = 0.0;
  const Outcome o = simulate({}, options, true, 40);
  EXPECT_LE(o.worse, 0.025 * comparisons + 2.0 * std::sqrt(0.025 * comparisons));
  options.fail_if_worse = 0.05;
  EXPECT_LE(simulate({}, options, true, 41).worse, 2);
}

TEST(CompareAlarms, TwentyPerCentMoreIsAlwaysFound) {
  CompareOptions options = up_to_40_pairs();
  options.fail_if_worse = 0.05;
  options.on = CompareOn::Cpu;
  int worse = 0;
  for (std::uint64_t i = 0; i < 200; ++i) worse += SimulatedPair({1.0, 1.0, 1.2, 1.0}, {}, i).compare(options).worse;
  EXPECT_GE(worse, 190);
}

}  // namespace
}  // namespace haywatt::experiment
