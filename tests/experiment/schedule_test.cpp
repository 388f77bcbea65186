#include "haywatt/experiment/schedule.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

namespace haywatt::experiment {
namespace {

TEST(Order, EveryRoundIsAPermutationAndRoundsDiffer) {
  std::set<std::vector<std::size_t>> seen;
  for (int round = 0; round < 6; ++round) {
    std::vector<std::size_t> order = shuffled_order(40, 1, round);
    seen.insert(order);
    std::sort(order.begin(), order.end());
    for (std::size_t i = 0; i < order.size(); ++i) EXPECT_EQ(order[i], i);
  }
  EXPECT_EQ(seen.size(), 6u);
  EXPECT_TRUE(shuffled_order(0, 1, 0).empty());
}

TEST(Order, IsTheSameForTheSameSeed) {
  EXPECT_EQ(shuffled_order(40, 7, 3), shuffled_order(40, 7, 3));
  EXPECT_NE(shuffled_order(40, 7, 3), shuffled_order(40, 8, 3));
  // Pinned: a study resumed by a later version must go on in the same order.
  EXPECT_EQ(shuffled_order(5, 1, 0), (std::vector<std::size_t>{4, 1, 3, 0, 2}));
}

TEST(Order, HasNoFavourites) {
  std::vector<double> mean_place(10, 0.0);
  constexpr int rounds = 2000;
  for (int round = 0; round < rounds; ++round) {
    const auto order = shuffled_order(10, 3, round);
    for (std::size_t place = 0; place < 10; ++place) mean_place[order[place]] += static_cast<double>(place) / rounds;
  }
  // Mean of a uniform place is 4.5, its standard deviation 2.87/sqrt(2000) = 0.064.
  for (const double m : mean_place) EXPECT_NEAR(m, 4.5, 0.35);
}

TEST(Repeats, AFixedNumberHoldsForAllButFailures) {
  EXPECT_EQ(choose_repeats({{0.1, false}, {100.0, false}, {1.0, true}}, 3, 10.0), (std::vector<int>{3, 3, 1}));
}

TEST(Repeats, QuickTrialsRunSixTimesWhateverTheBudget) {
  EXPECT_EQ(choose_repeats({{9.9, false}, {0.01, false}}, 0, 1.0), (std::vector<int>{6, 6}));
}

TEST(Repeats, SlowTrialsFillTheBudget) {
  EXPECT_EQ(choose_repeats({{20.0, false}}, 0, 19.0), (std::vector<int>{1}));
  EXPECT_EQ(choose_repeats({{20.0, false}}, 0, 65.0), (std::vector<int>{3}));
  EXPECT_EQ(choose_repeats({{20.0, false}}, 0, 1e6), (std::vector<int>{6})) << "never more than a quick one";
  // 6 quick seconds; 30 + 20 once each; 44 left: 20 again, then not 30, then 20 again.
  EXPECT_EQ(choose_repeats({{30.0, false}, {1.0, false}, {20.0, false}}, 0, 100.0), (std::vector<int>{1, 6, 3}));
  EXPECT_EQ(choose_repeats({{20.0, true}}, 0, 1e6), (std::vector<int>{1}));
}

TEST(Repeats, StayWithinTheBudgetForAnyTimes) {
  std::uint64_t state = 1;
  for (int round = 0; round < 300; ++round) {
    std::vector<FirstRun> first;
    double least_s = 0.0;
    for (int i = 0; i < 8; ++i) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      const double seconds = static_cast<double>(state >> 58);
      first.push_back({seconds, false});
      least_s += seconds < quick_run_s ? seconds * quick_repeats : seconds;
    }
    const double budget_s = static_cast<double>((state >> 40) % 2000);
    const std::vector<int> n = choose_repeats(first, 0, budget_s);
    double all_s = 0.0;
    for (std::size_t i = 0; i < n.size(); ++i) {
      all_s += first[i].seconds * n[i];
      EXPECT_GE(n[i], 1);
      EXPECT_LE(n[i], quick_repeats);
    }
    EXPECT_LE(all_s, std::max(budget_s, least_s) + 1e-9);
  }
}

}  // namespace
}  // namespace haywatt::experiment
