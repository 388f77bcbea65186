#include "meter/energy_source.hpp"

#include <gtest/gtest.h>

#include <random>

namespace haywatt::meter {
namespace {

constexpr double second_ns = 1e9;

/// Readings at borders every few milliseconds to seconds, a machine with other tenants, two phases.
Timeline some_timeline(std::mt19937_64& random, std::size_t readings, double longest_s) {
  std::uniform_real_distribution<double> some(0.0, 1.0);
  Timeline t;
  double wall = 100.0, cpu = 3.0, busy = 1000.0;
  for (std::size_t i = 0; i < readings; ++i) {
    const bool slow = i == 0 || i + 1 == readings || random() % 5 == 0;
    t.readings.push_back({static_cast<std::int64_t>(wall * second_ns), static_cast<std::int64_t>(cpu * second_ns),
                          slow ? busy : NAN, slow});
    if (i + 1 == readings) break;
    const double dw = longest_s * some(random), dc = dw * some(random), a = some(random);
    wall += dw;
    cpu += dc;
    busy += dc + dw * some(random);
    t.slices.push_back(
        {{1, dw * a * second_ns, dc * a * second_ns}, {2, dw * (1 - a) * second_ns, dc * (1 - a) * second_ns}});
  }
  return t;
}

double integral(const PowerSeries& p) {
  double joules = 0.0;
  for (std::size_t i = 0; i < p.watts.size(); ++i) joules += p.watts[i] * (p.t_s[i + 1] - p.t_s[i]);
  return joules;
}

void expect_power_is_energy(const EnergySource& source, const Timeline& timeline) {
  RunRecord run;
  add_figures(source, {}, run);
  const auto series = power_series(source, timeline, 2'000);
  ASSERT_EQ(series.size(), 3U);
  for (const PowerSeries& p : series) {
    ASSERT_EQ(p.t_s.size(), p.watts.size() + 1);
    EXPECT_LE(p.watts.size(), 2'000U);
    EXPECT_TRUE(std::is_sorted(p.t_s.begin(), p.t_s.end()));
    EXPECT_EQ(p.sensor, source.sensor);
    bool found = false;
    for (const EnergyFigure& e : run.energy) {
      if (e.share != p.share || e.rule != p.rule) continue;
      found = true;
      EXPECT_NEAR(integral(p), e.joules.value, 1e-6 * std::fabs(e.joules.value) + 1e-6) << p.share << p.rule;
    }
    EXPECT_TRUE(found) << p.share << p.rule;
  }
}

TEST(PowerSeries, IntegralsAreTheFiguresOfEveryEstimate) {
  std::mt19937_64 random(3);
  Machine machine;
  machine.id = "m";
  machine.logical_cpus = 4;
  for (const bool guest : {true, false}) {
    machine.virtual_machine = guest;
    for (const std::size_t readings : {2U, 3U, 50U, 9'000U}) {
      const Timeline t = some_timeline(random, readings, readings > 1'000 ? 0.05 : 1.5);
      expect_power_is_energy(estimate_source(t, machine, {}, {"m", "r", "x"}), t);
    }
  }
}

TEST(PowerSeries, OfAnEmptyRunIsEmpty) {
  Machine machine;
  machine.virtual_machine = true;
  const Timeline t{{{5, 0, 1.0, true}, {5, 0, 1.0, true}}, {{}}};
  for (const PowerSeries& p : power_series(estimate_source(t, machine, {}, {"m", "r", "x"}), t, 2'000)) {
    EXPECT_TRUE(p.watts.empty());
    EXPECT_TRUE(p.t_s.empty());
  }
}

}  // namespace
}  // namespace haywatt::meter
