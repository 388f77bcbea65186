// The pages of a ladder. With HAYWATT_REPORT_OUT set the page is also written there.
#include <gtest/gtest.h>

#include <cstdlib>

#include "haywatt/base/file.hpp"
#include "haywatt/report/report.hpp"
#include "haywatt_test_paths.hpp"
#include "report/ladder_view.hpp"
#include "report/ladder_words.hpp"
#include "support/example_program.hpp"

namespace haywatt::report {
namespace {

LadderRung rung(const std::string& id, const std::string& on, const std::vector<std::string>& phases) {
  LadderRung r;
  r.id = id;
  r.title = "Title of " + id;
  r.mechanism = "Why " + id + " costs less.";
  r.place = id + ".py: function";
  r.effort = "minutes";
  r.risk = "none";
  r.on = on;
  for (const std::string& p : phases) r.commands[p] = id + " " + p;
  return r;
}

ComparedMetric metric(const std::string& name, const std::string& unit, double a, double b, double u) {
  ComparedMetric m;
  m.name = name;
  m.unit = unit;
  m.known = true;
  m.a_median = a;
  m.b_median = b;
  m.ratio = Figure::from_components(b / a, "1", {{"scatter", 'A', u, 0.0, {}}});
  return m;
}

LadderStep step(const std::string& id, const std::string& against, const std::string& phase, std::uint64_t rows,
                double a, double b) {
  LadderStep s{id, against, phase, rows, 6, {}};
  ComparedMetric energy = metric("energy", "J", 3.0 * a, 3.0 * b, 0.02);
  energy.sensor = "estimate";
  energy.rule = "attributed";
  s.metrics = {energy, metric("cpu", "s", a, b, 0.01), metric("time", "s", a, b, 0.02),
               metric("memory", "B", 5e8, 5e8, 0.0), metric("work", "s", a - 1.0, b - 1.0, 0.03)};
  return s;
}

void add_runs(LadderRecord& r, const std::string& id, const std::string& phase, std::uint64_t rows, double seconds) {
  for (int round = 0; round < 3; ++round) {
    LadderRun x{id, phase, rows, round, "", {}};
    x.run.wall_s = x.run.cpu_s = seconds * (1.0 + 0.01 * round);
    x.run.rss_peak_B = 500'000'000;
    x.run.phases = {{"import", 1.0, 1.0, {}}, {"pack/join", x.run.wall_s - 1.0, 0.0, {}}};
    x.run.energy.push_back(test::program_energy(3.0 * seconds, "process-tree", "attributed", {}, "wall"));
    r.runs.push_back(x);
  }
}

LadderRecord make_ladder(const std::string& text = "A program") {
  LadderRecord r;
  r.title = text + ", rung by rung";
  r.about = "What it is.";
  r.subject = text;
  r.table = "jets.npz";
  r.started = "2026-11-25T10:00:00Z";
  r.haywatt_version = "0.1.0";
  r.machine = test::example_machine();
  r.overhead = {"import"};
  r.phases = {"train", "pack"};
  r.rows = {20'000, 200'000};
  r.rungs = {rung("first", "", {"train", "pack"}), rung("small", "first", {"pack"}),
             rung("large", "small", {"train", "pack"}), rung("both", "large", {"pack"}),
             rung("absent", "large", {"pack"})};
  r.rungs[0].measured_only = true;
  r.rungs[3].parallel = r.rungs[3].side = true;
  r.rungs[4].unavailable = "there is none here";
  r.faults = {{"It lies", "a.py: f", "The value is 2 and it says 3.", "Say 2"}};
  r.notes = {"a note"};
  r.stopped_by = "rounds";
  const std::map<std::string, double> pack = {{"first", 2.0}, {"small", 1.9}, {"large", 1.5}, {"both", 1.4}};
  for (const std::uint64_t rows : r.rows) {
    const double scale = rows == 20'000 ? 1.0 : 20.0;
    add_runs(r, "first", "train", rows, 4.0 * scale);
    add_runs(r, "large", "train", rows, 2.0 * scale);
    for (const auto& [id, seconds] : pack) add_runs(r, id, "pack", rows, seconds * scale);
    r.steps.push_back(step("large", "first", "train", rows, 4.0 * scale, 2.0 * scale));
    r.steps.push_back(step("small", "first", "pack", rows, 2.0 * scale, 1.9 * scale));
    r.steps.push_back(step("large", "small", "pack", rows, 1.9 * scale, 1.5 * scale));
    r.steps.push_back(step("large", "first", "pack", rows, 2.0 * scale, 1.5 * scale));
    r.steps.push_back(step("both", "large", "pack", rows, 1.5 * scale, 1.4 * scale));
    r.steps.push_back(step("both", "first", "pack", rows, 2.0 * scale, 1.4 * scale));
  }
  LadderCheck c;
  c.rung = "large";
  c.phase = "train";
  c.max_error = 0.02;
  c.median_error = 0.001;
  c.max_difference = 1e-7;
  c.same_bytes = false;
  c.results = {{"loss", 0.5}};
  r.checks.push_back(c);
  c.rung = "small";
  c.phase = "pack";
  c.same_bytes = true;
  c.max_difference = 0.0;
  c.results.clear();
  r.checks.push_back(c);
  return r;
}

TEST(LadderImprovements, AreTheGoldenPage) {
  const std::string made = to_improvements(make_ladder());
  const std::string path = std::string(HAYWATT_SOURCE_DIR) + "/tests/golden/ladder/improvements.md";
  if (std::getenv("HAYWATT_UPDATE_GOLDEN") != nullptr) write_text_file(path, made);
  EXPECT_EQ(made, read_text_file(path));
}

TEST(LadderImprovements, LargestSavingFirstParallelApart) {
  const std::string made = to_improvements(make_ladder());
  const auto at = [&](const std::string& text) { return made.find(text); };
  EXPECT_LT(at("### 1. Title of large"), at("### 2. Title of small"));
  EXPECT_LT(at("### 2. Title of small"), at("## Parallel improvements"));
  EXPECT_LT(at("## Parallel improvements"), at(". Title of both\n"));
  EXPECT_NE(at("Not run: there is none here"), std::string::npos);
  EXPECT_EQ(at("Title of first"), std::string::npos) << "where it starts is no advice";
  EXPECT_NE(at("**It lies.**"), std::string::npos);
}

TEST(LadderView, GainIsTheSumOverPhases) {
  const LadderRecord r = make_ladder();
  EXPECT_EQ(reference_rows(r), 200'000U);
  const LadderGain g = gain_of(r, *r.rung("large"), 20'000);
  EXPECT_TRUE(g.measured);
  EXPECT_TRUE(g.told);
  EXPECT_NEAR(g.seconds, 2.4, 1e-9);
  EXPECT_NEAR(g.joules, 7.2, 1e-9);
  EXPECT_NEAR(g.share, 2.4 / (4.04 + 2.02), 1e-9);
  EXPECT_FALSE(gain_of(r, *r.rung("absent"), 20'000).measured);
}

TEST(LadderView, GrowthHasTheExponent) {
  const auto tables = ladder_growth(make_ladder());
  ASSERT_EQ(tables.size(), 2U);
  EXPECT_EQ(tables[1].title, "pack");
  EXPECT_EQ(tables[1].rows.at(0).at(0), "first");
  // Work: 2.02 - 1 = 1.02 s and 40.4 - 1 = 39.4 s, for ten times the rows.
  EXPECT_EQ(tables[1].rows.at(0).at(3), "1.59");
  EXPECT_EQ(tables[1].rows.at(1).at(0), "of it pack/join");
}

TEST(LadderPage, IsWholeAndHarmless) {
  const std::string evil = "<script>alert(1)</script>";
  const std::string page = to_html(make_ladder(evil));
  EXPECT_EQ(page.find(evil), std::string::npos);
  EXPECT_NE(page.find("<svg class=\"ladder\""), std::string::npos);
  EXPECT_NE(page.find("not run: there is none here"), std::string::npos);
  EXPECT_NE(to_markdown(make_ladder()).find("not run: absent: there is none here"), std::string::npos);
  EXPECT_NE(to_text(make_ladder()).find("train, 20,000 rows"), std::string::npos);
  if (const char* out = std::getenv("HAYWATT_REPORT_OUT"))
    write_text_file(std::string(out) + "/ladder.html", to_html(make_ladder()));
  (void)to_html(LadderRecord{});
}

}  // namespace
}  // namespace haywatt::report
