#include "haywatt/experiment/compare.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "experiment/compare_simulation.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/base/file.hpp"
#include "support/temporary_folder.hpp"

namespace haywatt::experiment {
namespace {

using Words = std::vector<std::string>;

TEST(CommandWords, SplitAfterTheRulesOfTheShell) {
  EXPECT_EQ(command_words("gzip -9  -c\tjets.npz"), (Words{"gzip", "-9", "-c", "jets.npz"}));
  EXPECT_EQ(command_words(R"(a 'b c' "d \" e\f" g\ h '')"), (Words{"a", "b c", R"(d " e\f)", "g h", ""}));
  EXPECT_EQ(command_words("cc -DX=1 'a*$b|c'"), (Words{"cc", "-DX=1", "a*$b|c"}));
}

TEST(CommandWords, ShellLanguageGoesToTheShell) {
  for (const char* command : {"a | b", "a > b", "a; b", "a $HOME", "a \"$HOME\"", "X=1 a", "a *.npz", "a && b", "~/a",
                              "(a)", "a `b`", "a\nb", "! a", "a # b", "a \\"})
    EXPECT_EQ(command_words(command), (Words{"sh", "-c", command}));
}

TEST(CommandWords, Mistakes) {
  for (const char* command : {"", "   ", "a 'b", "a \"b"}) EXPECT_THROW((void)command_words(command), Error) << command;
}

TEST(CompareOrder, BlocksOfTwoPairsHaveBothOrders) {
  int b_first = 0;
  for (int pair = 0; pair < 200; pair += 2) {
    EXPECT_NE(b_runs_first(pair, 1), b_runs_first(pair + 1, 1));
    b_first += b_runs_first(pair, 1);
  }
  EXPECT_GT(b_first, 30);
  EXPECT_LT(b_first, 70);
  int differ = 0;
  for (int pair = 0; pair < 200; pair += 2) differ += b_runs_first(pair, 1) != b_runs_first(pair, 2);
  EXPECT_GT(differ, 30);
}

/// Programs of which every run is the same, unless told otherwise; counts what was asked of it.
struct Script {
  std::string order;
  double clock_s = 0.0, run_s = 1.0;
  int stop_after = 1000, fail_at = 1000, interrupt_at = 1000;
  std::function<void(char, RunRecord&)> change = [](char, RunRecord&) {};

  CompareWorld world() {
    return {{},
            "test",
            [this](char side) { return run(side); },
            [this] { return clock_s; },
            [this] { return static_cast<int>(order.size()) >= stop_after; },
            [](double, std::string_view) {}};
  }
  meter::ProgramResult run(char side) {
    const int at = static_cast<int>(order.size());
    order += side;
    clock_s += run_s;
    meter::ProgramResult r;
    r.run.wall_s = r.run.cpu_s = side == 'A' ? 1.0 : 0.5;
    r.run.rss_peak_B = 100'000'000;
    if (at == fail_at) {
      r.exit_code = 3;
      r.last_words = "first\nno such table\n";
    }
    if (at == interrupt_at) r.interrupted_by = 2;
    change(side, r.run);
    return r;
  }
  ComparisonRecord compare(const CompareOptions& options) {
    return compare_commands({"a", {"a"}, {}}, {"b", {"b"}, {}}, options, world());
  }
};

const ComparedMetric& metric(const ComparisonRecord& r, const std::string& name) {
  for (const ComparedMetric& m : r.metrics)
    if (m.name == name) return m;
  throw std::out_of_range(name);
}

TEST(Compare, EqualMemoryIsExact) {
  const ComparisonRecord r = Script{}.compare({});
  EXPECT_EQ(r.pairs, fewest_pairs);
  EXPECT_EQ(r.stopped_by, "precision");
  EXPECT_EQ(metric(r, "memory").verdict, "equal");
  EXPECT_EQ(metric(r, "memory").ratio.low, 1.0);
  EXPECT_EQ(metric(r, "cpu").verdict, "B less");
  EXPECT_DOUBLE_EQ(metric(r, "cpu").ratio.value, 0.5);
  EXPECT_EQ(metric(r, "cpu").p_b_less, 1.0);
  EXPECT_EQ(r.decider().name, "cpu");
}

TEST(Compare, WarmUpRunsAreNotCounted) {
  Script s;
  s.change = [&](char, RunRecord& run) {
    if (s.order.size() <= 4) run.cpu_s = 100.0;
  };
  CompareOptions options;
  options.warm_up = 2;
  options.pairs = 3;
  const ComparisonRecord r = s.compare(options);
  EXPECT_EQ(s.order.size(), 10U);
  EXPECT_EQ(s.order.substr(0, 4), "ABAB");
  EXPECT_DOUBLE_EQ(metric(r, "cpu").a_median, 1.0);
  EXPECT_EQ(r.runs.size(), 10U);
}

TEST(Compare, BudgetIsKept) {
  Script s;
  s.run_s = 10.0;
  CompareOptions options;
  options.budget_s = 90.0;
  const ComparisonRecord r = s.compare(options);
  EXPECT_EQ(r.stopped_by, "budget");
  EXPECT_LE(s.clock_s, 90.0);
  EXPECT_EQ(r.pairs, 3);
  options.budget_s.reset();  // the default budget is no reason to end with too few pairs
  EXPECT_EQ(s.compare(options).pairs, fewest_pairs);
  options.budget_s = 25.0;
  try {
    (void)s.compare(options);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::Usage);
  }
}

TEST(Compare, InterruptionTellsWhatThereIs) {
  for (const bool in_run : {false, true}) {
    Script s;
    (in_run ? s.interrupt_at : s.stop_after) = 9;  // after two warm-up runs, three pairs and a half
    const ComparisonRecord r = s.compare({});
    EXPECT_EQ(r.stopped_by, "interrupted");
    EXPECT_EQ(r.pairs, 3);
    EXPECT_DOUBLE_EQ(metric(r, "time").ratio.value, 0.5);
  }
  Script s;
  s.stop_after = 2;
  EXPECT_TRUE(s.compare({}).metrics.empty());
}

TEST(Compare, FailingCommandIsNamed) {
  Script s;
  s.fail_at = 5;
  try {
    (void)s.compare({});
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::BadInput);
    EXPECT_NE(std::string(e.what()).find("exit code 3: no such table"), std::string::npos) << e.what();
  }
  s.order.clear();
  CompareOptions options;
  options.allow_failure = true;
  const ComparisonRecord r = s.compare(options);
  EXPECT_NE(r.notes.back().find("1 of the counted runs failed"), std::string::npos);
}

TEST(Compare, WhatCannotBeReadIsUnknownAndNotZero) {
  Script s;
  s.change = [](char side, RunRecord& run) {
    if (side == 'B') run.cpu_s = 0.0;
  };
  const ComparisonRecord r = s.compare({});
  EXPECT_EQ(metric(r, "cpu").verdict, "unknown");
  EXPECT_FALSE(metric(r, "cpu").note.empty());
  EXPECT_EQ(r.decider().name, "time");
  CompareOptions options;
  options.on = CompareOn::Energy;
  EXPECT_THROW((void)s.compare(options), Error);
}

TEST(Compare, MeasuredEnergyDecidesAndSharedGainCancels) {
  Disturbance d;
  d.gain = 0.5;
  SimulatedPair pair({0.7, 1.0, 1.0, 1.0}, d, 3);
  const ComparisonRecord r = pair.compare({});
  const ComparedMetric& m = r.decider();
  EXPECT_EQ(m.name + " " + m.sensor + " " + m.rule, "energy rapl-powercap attributed");
  EXPECT_EQ(m.verdict, "B less");
  ASSERT_EQ(m.ratio.components.size(), 1U);
  EXPECT_EQ(m.ratio.components.front().name, "scatter");
}

TEST(Compare, WhatBelongsToACommandCancelsWithItself) {
  Disturbance d;
  d.method_watts = 0.134;
  const auto energy = [&](const char* b) {
    SimulatedPair pair({}, d, 4);
    return metric(pair.compare({}, "gzip", b), "energy");
  };
  EXPECT_LT(energy("gzip").shared_not, 0.001);
  EXPECT_NEAR(energy("zstd").shared_not, std::exp(1.96 * 0.134 * std::sqrt(2.0)) - 1.0, 1e-3);
}

TEST(Compare, PhaseThatCausedIt) {
  Script s;
  s.change = [](char side, RunRecord& run) {
    const bool b = side == 'B';
    run.phases = {{"read", 0.1, 0.1, {}}, {"train", b ? 0.3 : 0.8, b ? 0.3 : 0.8, {}}, {"other", 0.1, 0.1, {}}};
    run.cpu_s = b ? 0.5 : 1.0;
  };
  const ComparisonRecord r = s.compare({});
  EXPECT_EQ(r.cause, "train");
  ASSERT_EQ(r.phases.size(), 3U);
  EXPECT_NEAR(r.phases[1].difference.value, -0.5, 1e-12);
  EXPECT_FALSE(r.phases[0].told);
  EXPECT_NEAR(r.total->difference.value, -0.5, 1e-12);
}

TEST(Compare, NoPhasesMarkedIsNoCause) {
  Script s;
  s.change = [](char, RunRecord& run) { run.phases = {{"other", run.wall_s, run.cpu_s, {}}}; };
  EXPECT_TRUE(s.compare({}).phases.empty());
}

TEST(Compare, CannotTellSaysWhatItWouldTake) {
  Disturbance d;
  d.noise = 0.05;
  CompareOptions options;
  options.pairs = 10;
  int told = 0;
  for (std::uint64_t seed = 1; seed < 20; ++seed) {
    const ComparisonRecord r = SimulatedPair({1.0, 1.01, 1.01, 1.0}, d, seed).compare(options);
    const ComparedMetric& m = metric(r, "cpu");
    if (m.verdict != "cannot tell") {
      EXPECT_FALSE(m.more_pairs.has_value());
      continue;
    }
    ++told;
    EXPECT_GT(m.detectable, 0.02);
    ASSERT_TRUE(m.more_pairs.has_value());
    EXPECT_GE(*m.more_pairs, 1U);
  }
  EXPECT_GT(told, 10);
}

TEST(CompareRecord, JsonHoldsEveryRun) {
  CompareOptions options;
  options.fail_if_worse = 0.05;
  const nlohmann::json j = Script{}.compare(options);
  EXPECT_EQ(j["schema"], "haywatt-compare/1");
  EXPECT_EQ(j["runs"].size(), 14U);
  EXPECT_EQ(j["worse"], false);
  EXPECT_EQ(j["metrics"][j["deciding"].get<std::size_t>()]["name"], "cpu");
  EXPECT_EQ(j["runs"][0]["warm_up"], true);
}

ProgramRecord stored(double cpu_s, const std::string& machine = "m") {
  ProgramRecord r;
  r.run.label = "program";
  r.run.wall_s = 2.0 * cpu_s;
  r.run.cpu_s = cpu_s;
  r.run.rss_peak_B = 50'000'000;
  r.machine.id = machine;
  return r;
}

TEST(CompareStored, SetsOfRuns) {
  const ComparisonRecord r =
      compare_stored({}, {stored(1.0), stored(1.02), stored(0.98)}, {}, {stored(0.5), stored(0.51), stored(0.49)}, {});
  EXPECT_FALSE(r.paired);
  EXPECT_NEAR(metric(r, "cpu").ratio.value, 0.5, 0.001);
  EXPECT_EQ(metric(r, "cpu").verdict, "B less");
  EXPECT_TRUE(r.notes.empty());
  EXPECT_THROW((void)compare_stored({}, {}, {}, {stored(1.0)}, {}), Error);
}

TEST(CompareStored, OneRunEachCannotTell) {
  const ComparisonRecord r = compare_stored({}, {stored(1.0)}, {}, {stored(0.5, "other")}, {});
  EXPECT_NEAR(metric(r, "cpu").ratio.value, 0.5, 1e-12);
  EXPECT_EQ(metric(r, "cpu").verdict, "cannot tell");
  EXPECT_EQ(r.notes.size(), 2U);  // another machine, one run
}

TEST(CompareStored, FilesAndFolders) {
  const test::TemporaryFolder folder;
  const std::string one = folder / "one.json", two = folder / "two.json";
  write_text_file(one, nlohmann::json(stored(1.0)).dump());
  write_text_file(two, nlohmann::json(stored(2.0)).dump());
  ComparedSide side;
  EXPECT_EQ(load_runs({one}, side).size(), 1U);
  const auto runs = load_runs({folder.path()}, side);
  ASSERT_EQ(runs.size(), 2U);
  EXPECT_EQ(runs[1].run.cpu_s, 2.0);
  EXPECT_EQ(side.command, "program");
  for (const char* text : {"no JSON", "[]", R"({"wall_s": "long"})", R"({"schema": "haywatt-record/9"})"}) {
    write_text_file(one, text);
    try {
      (void)load_runs({one}, side);
      FAIL() << text;
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::BadInput);
      EXPECT_NE(std::string(e.what()).find("one.json"), std::string::npos) << e.what();
    }
  }
}

}  // namespace
}  // namespace haywatt::experiment
