#include "meter/attribution.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "meter/idle_power.hpp"

namespace haywatt::meter {
namespace {

constexpr std::int64_t second = 1'000'000'000;

Reading at(double wall_s, double cpu_s, double machine_s) {
  return {static_cast<std::int64_t>(wall_s * second), static_cast<std::int64_t>(cpu_s * second), machine_s,
          !std::isnan(machine_s)};
}

TEST(Attribution, FormulasByHand) {
  // 10 s on 4 CPUs; the machine used 20 CPU-s, we 5: a quarter. 1,000 J, idle power 40 W.
  Timeline t{{at(0, 0, 100), at(10, 5, 120)}, {{{1, 6e9, 4e9}, {2, 4e9, 1e9}}}};
  const Shares s = share_out(t, {0.0, 1000.0}, NAN);
  EXPECT_DOUBLE_EQ(s.machine_J, 1000.0);
  EXPECT_DOUBLE_EQ(s.run.marginal_J(40.0), (1000.0 - 400.0) * 0.25);
  EXPECT_DOUBLE_EQ(s.run.attributed_J(40.0), 150.0 + 400.0 * 0.25);
  const Shares quota = share_out(t, {0.0, 1000.0}, 0.5);  // 2 of 4 CPUs allotted
  EXPECT_DOUBLE_EQ(quota.run.attributed_J(40.0), 150.0 + 400.0 * 0.5);
  EXPECT_DOUBLE_EQ(quota.phases.at(1).marginal_J(40.0), 150.0 * 0.8);                        // by CPU time
  EXPECT_DOUBLE_EQ(quota.phases.at(1).attributed_J(40.0), 150.0 * 0.8 + 400.0 * 0.5 * 0.6);  // idle by wall time
}

TEST(Attribution, MachineCpuIsNeverLessThanOurs) {
  // Ticks of 10 ms lag: the machine seems to have used nothing while we used 5 ms.
  Timeline t{{at(0, 0, 100), at(0.005, 0.005, 100)}, {{{1, 5e6, 5e6}}}};
  EXPECT_DOUBLE_EQ(share_out(t, {0.0, 1.0}, NAN).run.energy_J, 1.0);
}

TEST(Attribution, ProcessThatRanNothingGetsNothing) {
  Timeline t{{at(0, 0, 100), at(10, 0, 120)}, {{{other_phase, 1e10, 0.0}}}};
  const Shares s = share_out(t, {0.0, 1000.0}, NAN);
  EXPECT_DOUBLE_EQ(s.run.attributed_J(10.0), 0.0);
  EXPECT_DOUBLE_EQ(s.machine_J, 1000.0);
}

TEST(Attribution, MachineUnknownMeansAllIsOurs) {
  Timeline t{{{0, 0, NAN, true}, {10 * second, 5 * second, NAN, true}}, {{{1, 1e10, 5e9}}}};
  EXPECT_DOUBLE_EQ(share_out(t, {0.0, 100.0}, NAN).run.energy_J, 100.0);
}

TEST(Attribution, PhasesAddUpToTheRun) {
  std::mt19937_64 random(9);
  std::uniform_real_distribution<double> some(0.0, 1.0);
  for (int trial = 0; trial < 200; ++trial) {
    Timeline t;
    std::vector<double> joules = {0.0};
    double wall = 0.0, cpu = 0.0, machine = 10.0;
    t.readings.push_back(at(0, 0, machine));
    const int n = 1 + static_cast<int>(random() % 40);
    for (int i = 0; i < n; ++i) {
      const double dw = some(random), dc = dw * some(random) * 2;
      wall += dw;
      cpu += dc;
      machine += dc + some(random);
      t.readings.push_back(at(wall, cpu, i + 1 == n || random() % 3 == 0 ? machine : NAN));
      joules.push_back(joules.back() + 50.0 * some(random));
      Slice& slice = t.slices.emplace_back();
      const double a = some(random), b = random() % 4 == 0 ? 0.0 : some(random);
      if (random() % 10 != 0) slice = {{1, dw * a * 1e9, dc * b * 1e9}, {2, dw * (1 - a) * 1e9, dc * (1 - b) * 1e9}};
    }
    const Shares s = share_out(t, joules, random() % 2 == 0 ? NAN : some(random));
    Parts sum;
    for (const auto& [id, p] : s.phases) sum += p;
    EXPECT_NEAR(sum.marginal_J(7.0), s.run.marginal_J(7.0), 1e-9 * joules.back() + 1e-9);
    EXPECT_NEAR(sum.attributed_J(7.0), s.run.attributed_J(7.0), 1e-9 * joules.back() + 1e-9);
    EXPECT_NEAR(s.machine_J, joules.back(), 1e-9);
    EXPECT_LE(s.run.energy_J, s.machine_J + 1e-9);
  }
}

TEST(IdlePower, OfAnIdleSecondIsThatSecond) {
  // 1 s at 50 W with no load, then 2 s at 90 W with one of two CPUs busy.
  Timeline t{{at(0, 0, 0), at(1, 0, 0), at(3, 2, 2)}, {{}, {}}};
  const IdlePower idle = guess_idle(t, {0.0, 50.0, 230.0}, 2);
  EXPECT_DOUBLE_EQ(idle.watts, 50.0);
  EXPECT_DOUBLE_EQ(idle.u_W, 0.0);
  EXPECT_NE(idle.note.find("guessed"), std::string::npos);
}

TEST(IdlePower, OfABusyRunIsNotItsPower) {
  // Always at full load: the least second is not idle power, or marginal energy would vanish.
  Timeline t{{at(0, 0, 0), at(1, 2, 2), at(2, 4, 4)}, {{}, {}}};
  const IdlePower idle = guess_idle(t, {0.0, 100.0, 200.0}, 2);
  EXPECT_NEAR(idle.watts, 24.0, 1e-9);
  EXPECT_GT(idle.u_W, 15.0);
}

TEST(IdlePower, ShortRunsUseAllOfThemselves) {
  Timeline t{{at(0, 0, 0), at(0.2, 0, 0)}, {{}}};
  EXPECT_DOUBLE_EQ(guess_idle(t, {0.0, 2.0}, 2).watts, 10.0);
  EXPECT_DOUBLE_EQ(guess_idle({{at(0, 0, 0), at(0, 0, 0)}, {{}}}, {0.0, 0.0}, 2).watts, 0.0);
}

}  // namespace
}  // namespace haywatt::meter
