#include "meter/resolution.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "meter/least_squares.hpp"

namespace haywatt::meter {
namespace {

constexpr double ns = 1e9;

SensorChannel counter(double period_s) {
  SensorChannel c;
  c.boundary = "package";
  c.update_period_s = period_s;
  return c;
}

/// Two phases by turns of the lengths given, read at every border; on one of one CPU.
struct Turns {
  Timeline timeline;
  std::vector<double> joules = {0.0};  ///< as a counter of this period shows them
  double first_J = 0.0, second_J = 0.0;
  void add(PhaseId phase, double length_s, double watts) {
    if (timeline.readings.empty()) timeline.readings.push_back({0, 0, 0.0, true});
    timeline.readings.back().slow = timeline.readings.size() == 1;
    t_s_ += length_s;
    energies_.emplace_back(t_s_, energies_.empty() ? length_s * watts : energies_.back().second + length_s * watts);
    (phase == 1 ? first_J : second_J) += length_s * watts;
    timeline.slices.push_back({{phase, length_s * ns, length_s * ns}});
    timeline.readings.push_back(
        {static_cast<std::int64_t>(t_s_ * ns), static_cast<std::int64_t>(t_s_ * ns), t_s_, true});
    joules.push_back(0.0);
  }
  void show(double period_s) {
    for (std::size_t i = 1; i < timeline.readings.size(); ++i) {
      const double t = static_cast<double>(timeline.readings[i].wall_ns) / ns;
      joules[i] = energy(std::floor(t / period_s + 1e-9) * period_s);
    }
  }

 private:
  [[nodiscard]] double energy(double t) const {
    double at = 0.0, joules_before = 0.0;
    for (const auto& [end, total] : energies_) {
      if (t <= end) return joules_before + (total - joules_before) * (t - at) / (end - at);
      at = end;
      joules_before = total;
    }
    return joules_before;
  }
  double t_s_ = 0.0;
  std::vector<std::pair<double, double>> energies_;
};

Shares resolved(Turns& turns, double period_s, std::string& how) {
  turns.show(period_s);
  Shares shares = share_out(turns.timeline, turns.joules, NAN);
  how = resolve_phases(turns.timeline, turns.joules, counter(period_s), 0.0, false, shares);
  return shares;
}

TEST(Resolution, LongPhasesAreReadDirectly) {
  Turns turns;
  turns.add(1, 2.0, 100.0);
  turns.add(2, 3.0, 30.0);
  std::string how;
  const Shares s = resolved(turns, 1e-3, how);
  EXPECT_EQ(how, "");
  EXPECT_NEAR(s.phases.at(1).energy_J, 200.0, 0.2);
  EXPECT_NEAR(s.phases.at(2).energy_J, 90.0, 0.2);
  // Lag of up to 1 ms at a border from 100 W to 30 W, and at the end.
  EXPECT_LT(s.phases.at(1).resolution_J, 0.15);
  EXPECT_GT(s.phases.at(1).resolution_J, 0.02);
  EXPECT_TRUE(is_resolved(s.phases.at(1)));
}

TEST(Resolution, OneShortPhaseOfASlowCounterIsNotResolvable) {
  Turns turns;
  turns.add(1, 0.05, 100.0);
  turns.add(2, 30.0, 80.0);
  std::string how;
  const Shares s = resolved(turns, 1.0, how);
  EXPECT_FALSE(is_resolved(s.phases.at(1)));
  EXPECT_TRUE(is_resolved(s.phases.at(2)));
}

TEST(Resolution, ManyShortPhasesAreRegressed) {
  std::mt19937_64 random(5);
  std::uniform_real_distribution<double> length(0.02, 0.3);
  Turns turns;
  for (int i = 0; i < 150; ++i) {
    turns.add(1, length(random), 90.0);
    turns.add(2, length(random), 30.0);
  }
  std::string how;
  const Shares s = resolved(turns, 0.1, how);
  EXPECT_NE(how.find("least squares"), std::string::npos);
  for (const auto& [phase, truth] : {std::pair{PhaseId{1}, turns.first_J}, {PhaseId{2}, turns.second_J}}) {
    const Parts& p = s.phases.at(phase);
    EXPECT_TRUE(is_resolved(p));
    EXPECT_NEAR(p.energy_J, truth, 1.96 * p.resolution_J);
    EXPECT_LT(p.resolution_J, 0.15 * truth);
  }
  EXPECT_NEAR(s.phases.at(1).energy_J + s.phases.at(2).energy_J, s.run.energy_J, 1e-9);
}

TEST(Resolution, PhasesAlwaysInTheSameProportionCannotBeToldApart) {
  Turns turns;
  for (int i = 0; i < 400; ++i) {
    turns.add(1, 0.01, 90.0);
    turns.add(2, 0.01, 30.0);
  }
  std::string how;
  const Shares s = resolved(turns, 1.0, how);
  EXPECT_FALSE(is_resolved(s.phases.at(1)));
  EXPECT_FALSE(is_resolved(s.phases.at(2)));
}

TEST(LeastSquares, FindsWhatWasPutIn) {
  const std::vector<std::vector<double>> rows = {{1, 0}, {0, 1}, {1, 1}, {2, 1}, {1, 3}};
  std::vector<double> y;
  for (const auto& r : rows) y.push_back(3.0 * r[0] - 2.0 * r[1]);
  y[4] += 0.1;
  const auto fit = least_squares(rows, y);
  ASSERT_TRUE(fit.has_value());
  EXPECT_NEAR(fit->coefficients[0], 3.0, 0.05);
  EXPECT_NEAR(fit->coefficients[1], -2.0, 0.05);
  EXPECT_GT(fit->u[0], 0.0);
  EXPECT_EQ(fit->degrees_of_freedom, 3U);
}

TEST(LeastSquares, SaysWhenItCannot) {
  EXPECT_FALSE(least_squares({}, {}).has_value());
  EXPECT_FALSE(least_squares({{1, 2}, {2, 4}, {3, 6}, {4, 8}}, {1, 2, 3, 4}).has_value()) << "collinear";
  EXPECT_FALSE(least_squares({{1, 0}, {2, 0}, {3, 0}, {4, 0}}, {1, 2, 3, 4}).has_value()) << "a column of zeros";
  EXPECT_FALSE(least_squares({{1, 0}, {0, 1}, {1, 1}}, {1, 2, 3}).has_value()) << "too few rows";
}

TEST(LeastSquares, StudentFactor) {
  EXPECT_NEAR(student_factor(5) * 1.96, 2.571, 0.01);
  EXPECT_NEAR(student_factor(30) * 1.96, 2.042, 0.001);
}

}  // namespace
}  // namespace haywatt::meter
