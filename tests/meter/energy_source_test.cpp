#include "meter/energy_source.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "meter/one_channel_sensor.hpp"
#include "meter/sensor_uncertainty.hpp"

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

/// 10 s at 50 W on 8 CPUs, of whose busy time a share is ours; two phases of 5 s.
struct TenSeconds {
  explicit TenSeconds(double share, double cpus_busy = 4.0) {
    machine.id = "m";
    machine.logical_cpus = 8;
    machine.physical_cores = 8;
    for (int s = 0; s <= 10; ++s) {
      timeline.readings.push_back(
          {std::int64_t{s} * 1'000'000'000, std::llround(s * cpus_busy * share * 1e9), 100.0 + s * cpus_busy, true});
      joules.push_back(50.0 * s);
      if (s > 0) timeline.slices.push_back({{s <= 5 ? 1U : 2U, 1e9, cpus_busy * share * 1e9}});
    }
  }
  [[nodiscard]] RunRecord run(const EnergySensor& sensor, const RunIdentity& who = {"m", "r1", "x"}) const {
    RunRecord r;
    r.phases.resize(2);
    r.phases[0].name = "one";
    r.phases[1].name = "two";
    add_figures(source(sensor, who), {{"one", 1}, {"two", 2}}, r);
    return r;
  }
  [[nodiscard]] EnergySource source(const EnergySensor& sensor, const RunIdentity& who) const {
    return sensor_source(sensor, 0, timeline, {joules, told, watched, spread}, machine, who);
  }
  Machine machine;
  Timeline timeline;
  std::vector<double> joules, told;
  std::vector<IdleSecond> watched = {{20.0, 1.0, 0.0}, {20.0, 1.0, 0.0}};
  PowerSpread spread;
};

const Component* component(const EnergyFigure& e, const std::string& name) {
  for (const Component& c : e.joules.components)
    if (c.name == name) return &c;
  return nullptr;
}

TEST(SensorFigures, FormulasArePrintedWithTheirNumbers) {
  const RunRecord run = TenSeconds(0.25).run(test::package_counter());
  const EnergyFigure& marginal = test::figure_of(run.energy, "process-tree", "marginal");
  const EnergyFigure& attributed = test::figure_of(run.energy, "process-tree", "attributed");
  EXPECT_NEAR(marginal.joules.value, (500.0 - 20.0 * 10.0) * 0.25, 1e-6);
  EXPECT_NEAR(attributed.joules.value, 125.0, 1e-6);
  EXPECT_NE(marginal.note.find("marginal = Σ (E − P_idle·Δ)·t/t_all = 125 J (of 500 J) − 20 W·2.5 s (of 10 s) = 75 J"),
            std::string::npos)
      << marginal.note;
  EXPECT_NE(attributed.note.find("attributed = marginal + P_idle·Σ Δ·a = 75 J + 20 W·2.5 s = 125 J, a = t/t_all"),
            std::string::npos)
      << attributed.note;
  EXPECT_NE(marginal.note.find("idle power measured"), std::string::npos);
  const EnergyFigure& rest = test::figure_of(run.energy, "unattributed", "attributed");
  EXPECT_NEAR(rest.joules.value, 375.0, 1e-6);
}

TEST(SensorFigures, AttributionIsUncertainOnlyWhereItDecides) {
  const RunRecord alone = TenSeconds(1.0).run(test::package_counter());
  for (const char* rule : {"marginal", "attributed"})
    EXPECT_EQ(component(test::figure_of(alone.energy, "process-tree", rule), "attribution"), nullptr);
  double most_J = 0.0;
  for (const double share : {0.05, 0.25, 0.5, 0.75, 0.95}) {
    const TenSeconds t(share);
    const EnergyFigure e = test::figure_of(t.run(test::package_counter()).energy, "process-tree", "attributed");
    const Component* c = component(e, "attribution");
    ASSERT_NE(c, nullptr);
    const double u_J = c->u_rel * e.joules.value;
    // Above idle 300 J: u = 300 J x (1 - x) price / sqrt(2), the other half is the price of the others.
    EXPECT_NEAR(u_J, 300.0 * share * (1.0 - share) * price_u(t.machine, 0.5) / std::sqrt(2.0), 1e-6);
    most_J = std::max(most_J, u_J);
    if (share == 0.5) {
      EXPECT_EQ(u_J, most_J);
    }
  }
}

TEST(SensorFigures, SiblingsMakePricesLessCertain) {
  Machine m;
  m.logical_cpus = m.physical_cores = 8;
  const double plain = price_u(m, 0.5);
  EXPECT_EQ(price_u(m, 0.0), plain);
  m.paired_cpus = 8;
  EXPECT_GT(price_u(m, 0.5), plain + 0.05);
  EXPECT_DOUBLE_EQ(price_u(m, 0.0), plain);
  EXPECT_DOUBLE_EQ(price_u(m, 1.0), plain) << "every core is shared by everybody";
  m.paired_cpus = 4;
  EXPECT_GT(price_u(m, 1.0), plain + 0.05) << "half of the CPUs are alone on their core";
  EXPECT_LT(price_u(m, 0.2), price_u(m, 0.4));
}

TEST(SensorFigures, WhatTwoRunsShareCancelsInTheirRatio) {
  TenSeconds t(0.9);
  const auto marginal = [](const RunRecord& r) { return test::figure_of(r.energy, "process-tree", "marginal").joules; };
  const auto factor = [](const Figure& f) { return std::log(f.high / f.low) / 2.0; };
  const Figure a = marginal(t.run(test::package_counter(), {"m", "r1", "x"}));
  const Figure same = marginal(t.run(test::package_counter(), {"m", "r2", "x"}));
  const Figure other = marginal(t.run(test::package_counter(), {"m", "r2", "y"}));
  const Figure elsewhere = marginal(t.run(test::package_counter(), {"n", "r2", "y"}));
  EXPECT_LT(factor(ratio(a, same)), 0.45 * factor(a)) << "gain, price";
  EXPECT_LT(factor(ratio(a, same)), factor(ratio(a, other))) << "the method's own price does not cancel";
  EXPECT_LT(factor(ratio(a, other)), factor(ratio(a, elsewhere))) << "nothing cancels between machines";
  // A guess of idle power from the run is the same guess in the next one, but for its own second.
  t.watched.clear();
  const Figure guess = marginal(t.run(test::package_counter(), {"m", "r1", "x"}));
  const Figure again = marginal(t.run(test::package_counter(), {"m", "r2", "x"}));
  EXPECT_LT(factor(ratio(guess, again)), 0.6 * factor(guess));
  EXPECT_GT(factor(ratio(guess, again)), 0.1 * factor(guess));
}

TEST(SensorFigures, DevicesShareByWhatTheyTell) {
  SensorChannel board;
  board.boundary = "board";
  board.update_period_s = 0.1;
  const test::OneChannelSensor gpu("nvml", board);
  TenSeconds t(0.25);
  const RunRecord silent = t.run(gpu);
  for (const char* rule : {"marginal", "attributed"}) {
    const EnergyFigure& e = test::figure_of(silent.energy, "process-tree", rule);
    EXPECT_FALSE(e.known);
    EXPECT_NE(e.note.find("between 0 J and the machine's 500 J"), std::string::npos) << e.note;
    EXPECT_FALSE(test::figure_of(silent.phases[0].energy, "phase", rule).known);
  }
  EXPECT_TRUE(test::figure_of(silent.energy, "machine", "").known);
  EXPECT_EQ(power_series(t.source(gpu, {"m", "r", "x"}), t.timeline, 2'000).size(), 1U) << "the machine's";

  t.told.assign(11, 0.8);
  t.told[0] = NAN;
  const RunRecord told = t.run(gpu);
  EXPECT_NEAR(test::figure_of(told.energy, "process-tree", "attributed").joules.value, 400.0, 1e-6);
  t.told[7] = NAN;  // a second of ten: too much not to be told
  EXPECT_FALSE(test::figure_of(t.run(gpu).energy, "process-tree", "attributed").known);
  t.joules[7] = t.joules[6] + 2.0;  // in which hardly anything happened
  for (std::size_t i = 8; i < t.joules.size(); ++i) t.joules[i] = t.joules[i - 1] + 50.0;
  EXPECT_NEAR(test::figure_of(t.run(gpu).energy, "process-tree", "attributed").joules.value, 0.8 * t.joules.back(),
              1e-6);
}

TEST(SensorFigures, PhasesTooShortForTheCounterAreNotKnown) {
  SensorChannel node;
  node.boundary = "node";
  node.update_period_s = 12.0;
  const TenSeconds t(1.0);
  const RunRecord run = t.run(test::OneChannelSensor("dcmi", node));
  const EnergyFigure& e = test::figure_of(run.phases[0].energy, "phase", "attributed");
  EXPECT_FALSE(e.known);
  EXPECT_TRUE(std::isnan(e.joules.value));
  EXPECT_NE(e.note.find("not resolvable"), std::string::npos);
  EXPECT_TRUE(test::figure_of(t.run(test::package_counter()).phases[0].energy, "phase", "attributed").known);
}

TEST(SensorFigures, UnseenTimeIsUncertainUpToTheLimit) {
  SensorChannel board;
  board.boundary = "board";
  board.update_period_s = 0.1;
  board.window_share = 0.25;
  board.limit_W = 300.0;
  TenSeconds t(1.0);
  t.told.assign(11, 1.0);
  const EnergyFigure e = test::figure_of(t.run(test::OneChannelSensor("nvml", board)).energy, "machine", "");
  // 75 % of the time it may have drawn 300 W: the mean of 25 % at 50 W and 75 % at 300 W is 237.5 W.
  EXPECT_NEAR(e.joules.high, 2375.0, 30.0);
  ASSERT_NE(component(e, "unseen time"), nullptr);
  board.window_share = 1.0;
  EXPECT_EQ(
      component(test::figure_of(t.run(test::OneChannelSensor("nvml", board)).energy, "machine", ""), "unseen time"),
      nullptr);
}

}  // namespace
}  // namespace haywatt::meter
