/// How often intervals of simulated runs contain the truth: the table of docs/energy.md §4, from
/// `HAYWATT_SIMULATED_RUNS=1000 build/bin/test_meter --gtest_filter='SimulatedMachine.*'`.
#include "meter/simulated_machine.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "meter/one_channel_sensor.hpp"

namespace haywatt::meter {
namespace {

using test::Joules;
using test::SensorKind;
using test::SimulatedMachine;
using test::SimulatedRun;
using test::Story;

constexpr std::array all_kinds = {SensorKind::Rapl, SensorKind::NvmlEnergy, SensorKind::NvmlInstant, SensorKind::Bmc};
constexpr std::array all_stories = {Story::LongPhases, Story::ShortPhases, Story::Locked};
constexpr double wanted = 0.93;

struct Coverage {
  int n = 0, inside = 0, unknown = 0;
  std::vector<double> widths;  ///< (high - low) / truth
  void add(const Figure& f, double truth) {
    ++n;
    inside += f.low <= truth && truth <= f.high ? 1 : 0;
    widths.push_back((f.high - f.low) / truth);
  }
  [[nodiscard]] double share() const { return n > 0 ? static_cast<double>(inside) / n : 0.0; }
  [[nodiscard]] double median_width() const {
    if (widths.empty()) return 0.0;
    std::vector<double> sorted = widths;
    std::sort(sorted.begin(), sorted.end());
    return sorted[sorted.size() / 2];
  }
};

using Table = std::map<std::string, Coverage>;

double truth_by(const Joules& j, const std::string& rule) { return rule == "marginal" ? j.marginal : j.attributed; }

const EnergyFigure& figure_of(const SimulatedRun& r, const std::string& share, const std::string& rule) {
  return test::figure_of(r.record.energy, share, rule);
}

void add_run(const SimulatedRun& r, const std::string& sensor, Table& table) {
  table[sensor + " | machine | –"].add(figure_of(r, "machine", "").joules, r.machine_J);
  for (const char* rule : {"marginal", "attributed"}) {
    table[sensor + " | run | " + rule].add(figure_of(r, "process-tree", rule).joules, truth_by(r.run, rule));
    Coverage& phases = table[sensor + " | phase | " + rule];
    for (const PhaseRecord& p : r.record.phases)
      for (const EnergyFigure& e : p.energy) {
        if (e.rule != rule) continue;
        if (e.known)
          phases.add(e.joules, truth_by(r.phases.at(p.name), rule));
        else
          ++phases.unknown;
      }
  }
}

int runs_of_each() {
  const char* text = std::getenv("HAYWATT_SIMULATED_RUNS");
  return text != nullptr ? std::max(std::atoi(text), 1) : 200;
}

void print(const char* title, const Table& table) {
  fmt::print("{}\n| sensor | of | rule | n | truth inside | median width | not resolvable |\n", title);
  for (const auto& [name, c] : table)
    fmt::print("| {} | {} | {:.1f} % | {:.0f} % | {} |\n", name, c.n, 100.0 * c.share(), 100.0 * c.median_width(),
               c.unknown);
}

TEST(SimulatedMachine, IntervalsContainTheTruth) {
  const int runs = runs_of_each();
  Table pooled, by_story, by_idle;
  std::uint64_t seed = 1000;
  for (const SensorKind kind : all_kinds)
    for (const Story story : all_stories)
      for (int i = 0; i < runs; ++i) {
        SimulatedMachine machine(kind, ++seed);
        const SimulatedRun r = machine.run(story, "x", i % 2 == 0);
        add_run(r, name_of(kind), pooled);
        add_run(r, name_of(kind) + (i % 2 == 0 ? ", watched" : ", guessed") + (r.shared ? ", shared" : ", alone"),
                by_idle);
        add_run(r, name_of(kind) + ", " + name_of(story), by_story);
      }
  print("coverage of 95 % intervals", pooled);
  print("by what ran", by_story);
  print("by how the idle power is known, and who else ran", by_idle);
  for (const auto& [name, c] : pooled) EXPECT_GE(c.share(), wanted) << name;
  for (const auto& [name, c] : by_story)
    if (c.n >= 100) {
      EXPECT_GE(c.share(), wanted - 0.03) << name;
    }
}

TEST(SimulatedMachine, IntervalsAreNoWiderThanWhatIsUnknown) {
  // Alone on the machine, nothing is shared out: gain and idle power are all that is left.
  for (const SensorKind kind : {SensorKind::Rapl, SensorKind::NvmlEnergy}) {
    const double gain = kind == SensorKind::Rapl ? 0.05 : 0.025;
    std::array<std::vector<double>, 2> over;  // width over what is implied: guessed, watched
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
      SimulatedMachine machine(kind, seed);
      const bool watched = seed % 2 == 0;
      const SimulatedRun r = machine.run(Story::LongPhases, "x", watched);
      if (r.shared) continue;
      const double idle_J = r.run.attributed - r.run.marginal;
      const double u_idle = watched ? 0.05 : 1.0, implied_J = 3.92 * std::hypot(gain * r.run.marginal, u_idle * idle_J);
      const Figure& f = figure_of(r, "process-tree", "marginal").joules;
      over[watched ? 1 : 0].push_back((f.high - f.low) / implied_J);
    }
    for (auto& list : over) {
      ASSERT_GT(list.size(), 30U);
      std::sort(list.begin(), list.end());
      EXPECT_LE(list[list.size() / 2], 1.5) << name_of(kind);
    }
  }
}

TEST(SimulatedMachine, RatiosOfTwoMethodsContainTheTruthAndAreSharp) {
  const int runs = runs_of_each();
  Table table;
  std::uint64_t seed = 90'000;
  for (const SensorKind kind : all_kinds)
    for (int i = 0; i < runs; ++i) {
      SimulatedMachine machine(kind, ++seed);
      const bool watched = i % 2 == 0;
      const SimulatedRun a = machine.run(Story::LongPhases, "a", watched);
      const SimulatedRun b = machine.run(Story::LongPhases, "b", watched);
      for (const char* rule : {"marginal", "attributed"}) {
        const Figure &x = figure_of(a, "process-tree", rule).joules, &y = figure_of(b, "process-tree", rule).joules;
        if (y.value <= 0.0 || x.value <= 0.0) continue;
        table[name_of(kind) + " | ratio of runs | " + rule].add(ratio(x, y),
                                                                truth_by(a.run, rule) / truth_by(b.run, rule));
      }
    }
  print("ratios", table);
  for (const auto& [name, c] : table) EXPECT_GE(c.share(), wanted) << name;
}

}  // namespace
}  // namespace haywatt::meter
