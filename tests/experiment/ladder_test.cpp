#include "haywatt/experiment/ladder.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "haywatt/base/error.hpp"
#include "haywatt/base/file.hpp"
#include "haywatt_test_paths.hpp"
#include "support/temporary_folder.hpp"

namespace haywatt::experiment {
namespace {

using test::TemporaryFolder;

const std::string tiny = R"(
title = "Tiny"
subject = "nothing"
about = "Rungs that copy a table."
overhead = ["import", "other"]
phases = ["train", "pack"]
[variables]
copy = "cp {table} {out}/restored.npz"
[artefact]
train = "model"
pack = "restored.npz"
[decode]
pack = "cp {made}/restored.npz {out}/restored.npz"
[[rung]]
id = "slow"
title = "As it is"
measured_only = true
environment = ["LEVEL=1"]
commands.train = '''sh -c 'echo "$LEVEL" > {out}/model; echo "{\"loss\": 2}" > {out}/result.json' '''
commands.pack = "sh -c 'test -e {made_train}/model && {copy}'"
[[rung]]
id = "quick"
title = "Quicker"
patch = "a"
phases = ["pack"]
commands.pack = "sh -c 'echo [{patches}] > {out}/said; {copy}'"
[[rung]]
id = "elsewhere"
title = "Not here"
needs = [{ run = "false", why = "there is no such thing here" }]
[[rung]]
id = "broken"
title = "Fails"
side = true
phases = ["pack"]
commands.pack = "sh -c 'echo no luck >&2; exit 7'"
[[rung]]
id = "best"
title = "Best"
patch = "b"
phases = ["pack"]
environment = ["LEVEL=2"]
)";

/// Programs run for real, but take what the script says.
struct Script {
  TemporaryFolder folder;
  std::vector<std::string> metered;
  double clock_s = 0.0;
  int stop_after = 1000;
  std::map<std::string, double> takes_s = {{"slow", 8.0}, {"quick", 4.0}, {"best", 1.0}};

  LadderOptions options(int rounds = 3) const {
    LadderOptions o;
    o.folder = folder / "ladder";
    o.table = std::string(HAYWATT_SOURCE_DIR) + "/examples/jets.npz";
    o.rows = {20, 50};
    o.rounds = rounds;
    return o;
  }

  LadderWorld world() {
    LadderWorld w;
    w.machine.id = "m";
    w.run = [this](const std::vector<std::string>& words, const std::string&) { return run(words); };
    w.shell = [](const std::string& command) { return run_in_shell(command); };
    w.now_s = [this] { return clock_s; };
    w.stop_asked = [this] { return static_cast<int>(metered.size()) >= stop_after; };
    w.progress = [](double, std::string_view) {};
    return w;
  }

  meter::ProgramResult run(const std::vector<std::string>& words) {
    std::string all;
    for (const std::string& word : words) all += "'" + replaced(word) + "' ";
    const ShellResult done = run_in_shell(all);
    meter::ProgramResult result;
    result.exit_code = done.exit_code;
    result.last_words = done.said;
    for (const auto& [rung, seconds] : takes_s)
      if (all.find("/" + rung + "/") != std::string::npos) {
        metered.push_back(rung);
        result.run.id = std::to_string(metered.size());
        result.run.wall_s = result.run.cpu_s = seconds * (1.0 + 0.001 * static_cast<double>(metered.size() % 3));
        result.run.rss_peak_B = 1'000'000;
        result.run.phases = {{"import", 0.5, 0.5, {}}, {"pack", result.run.wall_s - 0.5, 0.0, {}}};
      }
    clock_s += result.run.wall_s;
    return result;
  }

  static std::string replaced(std::string word) {
    for (std::size_t at = word.find('\''); at != std::string::npos; at = word.find('\'', at + 4))
      word.replace(at, 1, "'\\''");
    return word;
  }
};

LadderPlan plan() { return parse_ladder(tiny, "tiny.toml"); }

TEST(LadderPlan, ARungInheritsWhatItDoesNotSay) {
  const LadderPlan p = plan();
  ASSERT_EQ(p.rungs.size(), 5U);
  EXPECT_EQ(p.rungs[1].on, "slow");
  EXPECT_EQ(p.rungs[4].on, "elsewhere") << "nothing stands on a side rung";
  EXPECT_FALSE(p.rungs[1].concerns("train"));
  EXPECT_NE(p.rungs[4].commands.at("pack").find("[a,b]"), std::string::npos) << "patches add up";
  EXPECT_EQ(p.rungs[4].environment, std::vector<std::string>{"LEVEL=2"});
  EXPECT_EQ(p.needs.at("elsewhere").front().why, "there is no such thing here");
}

TEST(LadderPlan, MistakesNameTheLine) {
  const auto message = [](const std::string& text) {
    try {
      (void)parse_ladder(text, "x.toml");
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::Usage);
      return std::string(e.what());
    }
    return std::string("nothing");
  };
  EXPECT_NE(
      message("phases = [\"a\"]\n[[rung]]\nid = \"r\"\ntitle = \"t\"\nfoo = 1\n").find("x.toml:5: unknown key 'foo'"),
      std::string::npos);
  EXPECT_NE(message("phases = [\"a\"]\n[[rung]]\ntitle = \"t\"\n").find("'id' is missing"), std::string::npos);
  EXPECT_NE(message("phases = [\"a\"]\n").find("there is no [[rung]]"), std::string::npos);
  EXPECT_NE(
      message("phases = [\"a\"]\n[[rung]]\nid = \"r\"\ntitle = \"t\"\nphases = [\"b\"]\n").find("no phase is called"),
      std::string::npos);
  EXPECT_NE(message("a = [").find("x.toml:1"), std::string::npos);
}

TEST(LadderPlan, VariablesHoldVariables) {
  EXPECT_EQ(expand("{a} {x}", {{"a", "<{b}>"}, {"b", "c"}, {"x", "y"}}), "<c> y");
  EXPECT_EQ(expand("awk '{ print }'", {}), "awk '{ print }'");
  EXPECT_THROW((void)expand("{unknown}", {}), Error);
  EXPECT_THROW((void)expand("{a}", {{"a", "{a}"}}), Error);
}

TEST(LadderPlan, TheOneOfBalerIsWhole) {
  const LadderPlan p = baler_ladder();
  EXPECT_EQ(p.rungs.front().id, "baler");
  EXPECT_EQ(p.files.count("share/ladder/baler_patches.py"), 1U);
  for (const LadderRung& r : p.rungs)
    if (!r.measured_only) {
      EXPECT_FALSE(r.mechanism.empty() || r.place.empty() || r.effort.empty() || r.risk.empty()) << r.id;
    }
}

TEST(Ladder, EveryRungIsBesideTheOneItStandsOn) {
  Script script;
  const LadderRecord record = climb(plan(), script.options(), script.world());
  EXPECT_EQ(record.stopped_by, "rounds");
  // Up in the first round, down in the second: 20 rows train, pack, 50 rows train, pack.
  const std::vector<std::string> up = {"slow", "slow", "quick", "best"}, down = {"slow", "best", "quick", "slow"};
  std::vector<std::string> expected;
  for (const auto* order : {&up, &up, &down, &down, &up, &up})
    expected.insert(expected.end(), order->begin(), order->end());
  EXPECT_EQ(script.metered, expected);

  const LadderStep* s = record.step("best", "quick", "pack", 50);
  ASSERT_NE(s, nullptr);
  EXPECT_EQ(s->pairs, 3);
  const auto metric = [&](const char* name) {
    return *std::find_if(s->metrics.begin(), s->metrics.end(), [&](const auto& m) { return m.name == name; });
  };
  EXPECT_NEAR(metric("time").ratio.value, 0.25, 0.01);
  EXPECT_LT(metric("time").ratio.high, 0.3);
  EXPECT_NEAR(metric("work").ratio.value, 0.5 / 3.5, 0.01) << "imports are no work";
  EXPECT_NEAR(record.step("best", "slow", "pack", 20)->metrics.at(1).ratio.value, 0.125, 0.01);
}

TEST(Ladder, WhatDoesNotRunIsToldNotLeftOut) {
  Script script;
  const LadderRecord record = climb(plan(), script.options(), script.world());
  EXPECT_EQ(record.rung("elsewhere")->unavailable, "there is no such thing here");
  ASSERT_NE(record.check("broken", "pack"), nullptr);
  EXPECT_NE(record.check("broken", "pack")->failure.find("exit code 7"), std::string::npos);
  EXPECT_NE(record.check("broken", "pack")->failure.find("no luck"), std::string::npos);
  EXPECT_EQ(record.before(*record.rung("best"), "pack")->id, "quick") << "over the rung that cannot run";
}

TEST(Ladder, LooksAtWhatEachRungMade) {
  Script script;
  const LadderRecord record = climb(plan(), script.options(1), script.world());
  const LadderCheck* c = record.check("quick", "pack");
  ASSERT_NE(c, nullptr);
  EXPECT_EQ(c->rows, 20U);
  EXPECT_EQ(c->max_error, 0.0);
  EXPECT_EQ(c->max_difference, 0.0);
  EXPECT_EQ(c->same_bytes, true);
  EXPECT_EQ(record.check("slow", "train")->results.at("loss"), 2.0);
  EXPECT_FALSE(std::filesystem::exists(script.folder / "ladder/work/50/best/pack"));
}

TEST(Ladder, GoesOnWhereItStopped) {
  Script script;
  script.stop_after = 5;
  EXPECT_EQ(climb(plan(), script.options(), script.world()).stopped_by, "interrupted");
  EXPECT_EQ(load_ladder(script.folder / "ladder").runs.size(), 5U);
  script.stop_after = 1000;
  const LadderRecord whole = climb(plan(), script.options(), script.world());
  EXPECT_EQ(whole.stopped_by, "rounds");
  EXPECT_EQ(script.metered.size(), 24U) << "no run is made twice";
  script.metered.clear();
  (void)climb(plan(), script.options(), script.world());
  EXPECT_TRUE(script.metered.empty());
}

TEST(Ladder, ARungWhoseCommandChangedIsRunAgain) {
  Script script;
  (void)climb(plan(), script.options(1), script.world());
  script.metered.clear();
  LadderPlan changed = plan();
  changed.rungs[4].commands["pack"] += " ";
  (void)climb(changed, script.options(1), script.world());
  EXPECT_EQ(script.metered, (std::vector<std::string>{"best", "best"}));
}

TEST(Ladder, TheBudgetEndsIt) {
  Script script;
  LadderOptions o = script.options();
  o.budget_s = 30.0;
  const LadderRecord record = climb(plan(), o, script.world());
  EXPECT_EQ(record.stopped_by, "budget");
  EXPECT_LE(script.clock_s, 31.0);
  EXPECT_FALSE(record.runs.empty());
}

TEST(Ladder, TheRecordSurvivesItsFile) {
  Script script;
  const LadderRecord record = climb(plan(), script.options(2), script.world());
  const nlohmann::json once = record;
  EXPECT_EQ(nlohmann::json(once.get<LadderRecord>()), once);
  EXPECT_EQ(nlohmann::json(load_ladder(script.folder / "ladder")), once);
  EXPECT_THROW((void)nlohmann::json({{"schema", "x"}}).get<LadderRecord>(), Error);
}

TEST(Ladder, UsageErrors) {
  Script script;
  LadderOptions o = script.options();
  o.rungs = {"none"};
  EXPECT_THROW((void)climb(plan(), o, script.world()), Error);
  o = script.options();
  o.rows = {40'000};
  EXPECT_THROW((void)climb(plan(), o, script.world()), Error) << "more than the table has";
}

}  // namespace
}  // namespace haywatt::experiment
