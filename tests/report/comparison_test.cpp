// The report of a comparison. With HAYWATT_REPORT_OUT set the pages are also written there, for the browser test.
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "haywatt/base/error.hpp"
#include "haywatt/base/file.hpp"
#include "haywatt/report/report.hpp"
#include "report/comparison_words.hpp"
#include "report/fixture.hpp"
#include "support/example_program.hpp"

namespace haywatt::report {
namespace {

ComparedMetric metric(const std::string& name, const std::string& unit, double a, double ratio, double u) {
  ComparedMetric m;
  m.name = name;
  m.unit = unit;
  m.known = true;
  m.a_median = a;
  m.b_median = a * ratio;
  m.ratio = Figure::from_components(ratio, "1", {{"pairs", 'A', u, 0.0, {CorrelationKind::Run, "c"}}});
  m.verdict = m.ratio.high < 1.0 ? "B less" : m.ratio.low > 1.0 ? "B more" : "cannot tell";
  m.p_b_less = m.verdict == "B less" ? 0.9999 : m.verdict == "B more" ? 0.0001 : 0.3;
  m.detectable = 0.031;
  if (m.verdict == "cannot tell") m.more_pairs = 40;
  return m;
}

ComparisonRecord make_comparison(const std::string& text = "./new --fast") {
  ComparisonRecord r;
  r.machine = test::example_machine();
  r.haywatt_version = "0.1.0";
  r.started = "2026-11-24T20:06:05Z";
  r.a.command = "./old";
  r.b.command = text;
  r.pairs = 12;
  r.warm_up = 1;
  r.stopped_by = "precision";
  r.precision = 0.03;
  r.elapsed_s = 94.0;
  r.fail_if_worse = 0.05;
  r.deciding = 1;
  r.deciding_reason = "no sensor measures energy";
  ComparedMetric energy = metric("energy", "J", 40.0, 0.71, 0.03);
  energy.sensor = "estimate";
  energy.tier = "VM";
  energy.boundary = "wall";
  energy.rule = "attributed";
  r.metrics = {energy, metric("cpu", "s", 12.4, 0.73, 0.02), metric("time", "s", 6.5, 1.01, 0.02),
               metric("memory", "B", 436e6, 1.2, 0.001)};
  ComparedMetric unknown;
  unknown.name = "energy";
  unknown.sensor = "rapl-powercap";
  unknown.boundary = "package";
  unknown.verdict = "unknown";
  unknown.note = "no counter";
  r.metrics.push_back(unknown);
  r.phases = {{"read", 1.0, 1.0, Figure::exact(0.001, "s"), false},
              {"train", 9.0, 6.0, Figure::exact(-3.0, "s"), true}};
  r.total = ComparedPhase{"whole run", 12.4, 9.1, Figure::exact(-3.3, "s"), true};
  r.cause = "train";
  r.notes = {"the machine was 4 % busy with other things"};
  for (int pair = -1; pair < 12; ++pair)
    for (const char side : {'A', 'B'}) {
      ComparedRun run;
      run.side = side;
      run.pair = pair;
      run.warm_up = pair < 0;
      const double factor = (side == 'A' ? 1.0 : 0.73) * (1.0 + 0.01 * (pair % 3));
      run.run.wall_s = 6.5 * (1.0 + 0.01 * (pair % 4));
      run.run.cpu_s = 12.4 * factor;
      run.run.rss_peak_B = 436'000'000;
      run.run.energy.push_back(test::program_energy(40.0 * factor, "process-tree", "attributed", {}, "wall"));
      r.runs.push_back(run);
    }
  return r;
}

std::string write(const std::string& name, const ComparisonRecord& r) {
  const std::string html = to_html(r);
  if (const char* folder = std::getenv("HAYWATT_REPORT_OUT"))
    write_text_file(std::string(folder) + "/" + name + ".html", html);
  EXPECT_LT(html.size(), 3'000'000U);
  return html;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(Comparison, WordsForEachVerdict) {
  const ComparisonRecord r = make_comparison();
  EXPECT_TRUE(
      metric_sentence(r.metrics[1]).starts_with("B needs 0.730 times A’s CPU time (95 %: 0.702 to 0.759): 27 % less."))
      << metric_sentence(r.metrics[1]);
  const std::string open = metric_sentence(r.metrics[2]);
  EXPECT_TRUE(has(open, "It cannot be told whether B needs less wall time than A")) << open;
  EXPECT_TRUE(has(open, "about 40 more pairs would tell")) << open;
  EXPECT_TRUE(has(metric_sentence(r.metrics[3]), "20 % more")) << metric_sentence(r.metrics[3]);
  EXPECT_EQ(metric_sentence(r.metrics[4]), "The ratio of energy (rapl-powercap, package) is unknown: no counter.");
  EXPECT_EQ(metric_name(r.metrics[0]), "energy (estimate VM, wall, attributed)");
}

TEST(Comparison, RecordComesBackFromItsJson) {
  const ComparisonRecord r = make_comparison();
  const nlohmann::json j = r;
  const auto back = nlohmann::json::parse(j.dump()).get<ComparisonRecord>();
  EXPECT_EQ(nlohmann::json(back), j);
  nlohmann::json bad = j;
  bad["deciding"] = 17;
  EXPECT_THROW((void)bad.get<ComparisonRecord>(), Error);
  bad = j;
  bad["schema"] = "haywatt-record/1";
  EXPECT_THROW((void)bad.get<ComparisonRecord>(), Error);
}

TEST(Comparison, Page) {
  const std::string html = write("comparison", make_comparison());
  EXPECT_TRUE(has(html, "Most of the difference lies in phase train."));
  EXPECT_TRUE(has(html, "12 pairs of A and B, the order drawn, after 1 run of each that is not counted"));
  EXPECT_TRUE(has(html, "B may need up to 5 % more CPU time: it surely does not need more than that."));
  EXPECT_TRUE(has(html, "the machine was 4 % busy with other things"));
  EXPECT_TRUE(has(to_markdown(make_comparison()), "| CPU time | 12.4 s | 9.05 s |"));
}

TEST(Comparison, HostileAndEmpty) {
  ComparisonRecord r = make_comparison(test::hostile_text);
  r.notes = {test::hostile_text};
  r.cause = r.metrics[0].note = r.metrics[0].sensor = r.phases[0].name = r.deciding_reason = test::hostile_text;
  const std::string html = write("comparison-hostile", r);
  EXPECT_FALSE(has(html, "<script>alert"));
  EXPECT_FALSE(has(html, "<img"));
  EXPECT_TRUE(has(write("comparison-empty", ComparisonRecord{}), "Nothing was compared"));
  r.metrics[1].ratio = Figure::from_components(1e300, "1", {{"x", 'B', 800.0, 0.0, {}}});
  EXPECT_FALSE(to_html(r).empty());
}

}  // namespace
}  // namespace haywatt::report
