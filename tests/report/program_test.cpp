// A metered program's report in every format. With HAYWATT_REPORT_OUT set the pages are also written there, for the
// browser test and for looking at.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "haywatt/base/file.hpp"
#include "haywatt/report/report.hpp"
#include "report/fixture.hpp"
#include "report/program_view.hpp"
#include "support/example_program.hpp"

namespace haywatt::report {
namespace {

using test::make_program;
using test::ProgramFixture;

constexpr std::size_t size_limit = 3'000'000;

std::string write(const std::string& name, const ProgramRecord& record, const CarbonBasis& carbon = {}) {
  const std::string html = to_html(record, carbon);
  if (const char* folder = std::getenv("HAYWATT_REPORT_OUT")) {
    write_text_file(std::string(folder) + "/" + name + ".html", html);
    write_text_file(std::string(folder) + "/" + name + ".md", to_markdown(record, carbon));
  }
  EXPECT_LT(html.size(), size_limit);
  return html;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::size_t times_in(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

std::string words(const ProgramView& view) {
  std::string all;
  for (const auto& [term, sentences] : headline(view))
    for (const std::string& s : sentences) all += term + ": " + s + "\n";
  return all;
}

TEST(ProgramWords, SayWhatItUsedAndThatItIsAnEstimate) {
  const ProgramRecord record = make_program();
  const CarbonBasis carbon;
  const std::string text = words(ProgramView(record, carbon));
  EXPECT_TRUE(has(text, "“python train.py” used 40.0 J (95 %: 15.7 to 102), attributed")) << text;
  EXPECT_TRUE(has(text, "Marginal, what not running it would have saved: 30.0 J (95 %: 11.7 to 76.6)")) << text;
  EXPECT_TRUE(has(text, "an estimate (tier VM)")) << text;
  EXPECT_TRUE(has(text, "not a measurement")) << text;
  EXPECT_TRUE(has(text, "Phase train takes most: 32.0 J")) << text;
  EXPECT_TRUE(has(text, "80.0 % of the energy")) << text;
  EXPECT_TRUE(has(text, "6.50 s of wall time, 12.4 s of CPU time: 1.91 CPUs in the mean of 2 allowed")) << text;
  EXPECT_TRUE(has(text, "the world’s average grid")) << text;
  EXPECT_FALSE(has(text, "Outcome")) << text;
}

TEST(ProgramWords, MeasuredFiguresAreNotCalledEstimatesNorAdded) {
  ProgramFixture o;
  o.measured = true;
  const ProgramRecord record = make_program(o);
  const CarbonBasis carbon;
  const std::string text = words(ProgramView(record, carbon));
  EXPECT_TRUE(has(text, "Measured by rapl-powercap (boundary: package)")) << text;
  EXPECT_FALSE(has(text, "estimate")) << text;
  EXPECT_TRUE(has(text, "Beside it, never added to it: 5.00 J")) << text;
}

TEST(ProgramWords, UnknownIsNeverZero) {
  ProgramFixture o;
  o.energy = false;
  const ProgramRecord record = make_program(o);
  const std::string html = write("program-no-energy", record), md = to_markdown(record);
  for (const std::string& text : {html, md}) {
    EXPECT_TRUE(has(text, "Energy is unknown: no estimate for this processor. Unknown is not zero."));
    for (const char* zero : {" 0 J", ">0 J", " 0 W", ">0 W"}) EXPECT_FALSE(has(text, zero)) << zero;
  }
  EXPECT_TRUE(to_summary(record)["energy"]["attributed"].is_null());
}

TEST(ProgramWords, FailureComesFirst) {
  ProgramRecord record = make_program();
  record.run.tree->exit_code = 137;
  record.run.tree->signal = 9;
  const CarbonBasis carbon;
  const auto all = headline(ProgramView(record, carbon));
  EXPECT_EQ(all.front().first, "Outcome");
  EXPECT_TRUE(has(all.front().second.front(), "ended by signal 9"));
}

TEST(ProgramWords, CarbonNamesItsGrid) {
  const ProgramRecord record = make_program();
  const CarbonBasis carbon{metrics::country_grid("FRA").value(), metrics::given_pue(1.0)};
  const ProgramView view(record, carbon);
  EXPECT_NEAR(view.grams->value, 40.0 / 3.6e6 * 56.0, 1e-5);
  EXPECT_TRUE(has(words(view), "operational (France, PUE 1.00)"));
  EXPECT_FALSE(has(to_html(record, carbon), "not that of this machine"));
  EXPECT_TRUE(has(to_html(record), "not that of this machine"));
}

TEST(ShellLine, QuotesWhatAShellWouldRead) {
  EXPECT_EQ(shell_line({"python", "a.py", "--n=3"}), "python a.py --n=3");
  EXPECT_EQ(shell_line({"echo", "", "a b", "it's", "$x"}), "echo '' 'a b' 'it'\\''s' '$x'");
}

TEST(Uncertainty, TheLargestPartComesFirstAndSharesAddUp) {
  Figure f = Figure::from_components(10.0, "J",
                                     {{"small", 'A', 0.0, 0.1, {}},
                                      {"large", 'B', 0.3, 0.0, {CorrelationKind::Model, "m"}},
                                      {"middle", 'B', 0.1, 0.0, {CorrelationKind::Sensor, "s"}}});
  const auto parts = uncertainty_parts(f);
  ASSERT_EQ(parts.size(), 3U);
  EXPECT_EQ(parts[0].component.name, "large");
  EXPECT_NEAR(parts[0].share, 9.0 / (9.0 + 1.0 + 0.01), 1e-12);
  EXPECT_EQ(parts[0].alone, "×/÷ 1.80");
  EXPECT_EQ(parts[2].alone, "± 196 mJ");
  EXPECT_EQ(parts[2].common, "nothing");
  EXPECT_NEAR(parts[0].share + parts[1].share + parts[2].share, 1.0, 1e-12);
}

// ---- whole pages

TEST(ProgramPage, Typical) {
  ProgramFixture o;
  o.processes = 24;
  const std::string html = write("program", make_program(o));
  EXPECT_TRUE(has(html, "estimate VM, wall: this program, attributed"));
  EXPECT_TRUE(has(html, "The 20 that used the most CPU time"));
  EXPECT_TRUE(has(html, "the other 4 are counted in the totals"));
  EXPECT_TRUE(has(html, "the hypervisor took 0.2 CPU-s meanwhile"));
  EXPECT_TRUE(has(html, "haywatt meter -o run.json -- python train.py"));
}

TEST(ProgramPage, MeasuredAndLong) {
  ProgramFixture o;
  o.measured = true;
  o.samples = 2000;
  o.processes = 200;
  write("program-measured", make_program(o));
}

TEST(ProgramPage, WithoutPhasesAndWithOneSample) {
  ProgramFixture o;
  o.phases = false;
  o.samples = 1;
  o.processes = 1;
  const std::string html = write("program-short", make_program(o));
  EXPECT_TRUE(has(html, "The program marked no phases"));
  EXPECT_TRUE(has(html, "too short for the sampler"));
}

TEST(ProgramPage, EmptyRecord) {
  const std::string html = write("program-empty", ProgramRecord{});
  EXPECT_TRUE(has(html, "The record has no energy figure"));
  EXPECT_FALSE(to_markdown(ProgramRecord{}).empty());
}

TEST(ProgramPage, HostileTexts) {
  ProgramFixture o;
  o.argument = test::hostile_text;
  ProgramRecord record = make_program(o);
  RunRecord& run = record.run;
  const std::string hostile = test::hostile_text;
  run.status = "failed";
  run.reason = run.started = run.id = hostile;
  run.warnings = {hostile};
  run.phases.front().name = run.spans.front().phase = hostile;
  run.energy.front().note = run.energy.front().boundary = hostile;
  run.energy[1].joules.components.front().name = hostile;
  run.power.front().sensor = hostile;
  run.tree->processes.front().name = hostile;
  run.tree->counted_by = hostile;
  run.counts[hostile] = 1.0;
  record.machine.cpu_name = record.haywatt_version = hostile;
  record.machine.libraries[hostile] = hostile;
  const std::string html = write("program-hostile", record);
  EXPECT_FALSE(has(html, "<script>alert"));
  EXPECT_FALSE(has(html, "<img"));
  EXPECT_EQ(times_in(html, "</script"), 3U);  // ours: data, Chart.js, charts
  const std::string md = to_markdown(record);
  for (std::size_t at = md.find('<'); at != std::string::npos; at = md.find('<', at + 1))
    EXPECT_EQ(md.substr(md.rfind('\n', at) + 1, 4), "    ");  // only in the indented block of the command
}

TEST(ProgramPage, NumbersThatNoRunHas) {
  ProgramRecord record = make_program();
  const double nan = std::nan("");
  RunRecord& run = record.run;
  run.wall_s = nan;
  run.cpu_s = nan;
  run.samples.push_back({nan, 1, nan, 0, 0, 0, 0});
  run.samples.push_back({-1e300, UINT64_MAX, 1e300, 0, 0, 0, 0});
  run.power.push_back({"s", "wall", "", "machine", "", {0.0, nan, 1e300}, {nan, -1e300}});
  run.power.push_back({"s", "wall", "", "machine", "", {}, {1.0}});
  run.spans.push_back({"read", 1, nan, 1.0});
  run.tree->processes.push_back({1, 1, "p", nan, nan, nan, 0});
  run.energy.front().joules.value = nan;
  EXPECT_FALSE(to_html(record).empty());
  EXPECT_FALSE(to_markdown(record).empty());
  EXPECT_FALSE(to_summary(record).dump().empty());
}

TEST(ProgramSummary, HasFiguresCarbonAndPhases) {
  const nlohmann::json j = to_summary(make_program());
  EXPECT_EQ(j["schema"], "haywatt-program/1");
  EXPECT_EQ(j["exit_code"], 0);
  EXPECT_EQ(j["energy"]["attributed"]["value"], 40.0);
  EXPECT_EQ(j["energy"]["tier"], "VM");
  EXPECT_EQ(j["operational_carbon"]["value"]["unit"], "gCO2e");
  EXPECT_NEAR(j["operational_carbon"]["value"]["value"].get<double>(), 40.0 / 3.6e6 * 1.56 * 475.0, 1e-9);
  double joules = 0.0;
  for (const auto& p : j["phases"]) joules += p["attributed"]["value"].get<double>();
  EXPECT_NEAR(joules, 40.0, 1e-9);
}

TEST(ProgramMarkdown, EveryTableRowHasTheSameCells) {
  ProgramFixture o;
  o.argument = "a|b `c`";
  const std::string text = to_markdown(make_program(o));
  std::size_t rows = 0, expected = 0;
  for (std::size_t at = text.find("\n|"); at != std::string::npos; at = text.find("\n|", at + 1)) {
    const std::string line = text.substr(at + 1, text.find('\n', at + 1) - at - 1);
    std::size_t bars = 0;
    for (std::size_t i = 0; i < line.size(); ++i) bars += line[i] == '|' && (i == 0 || line[i - 1] != '\\');
    if (text[at - 1] == '\n') expected = bars;  // a table begins
    EXPECT_EQ(bars, expected) << line;
    ++rows;
  }
  EXPECT_EQ(rows, (2U + 4U) + (2U + 3U) + (2U + 3U));
}

}  // namespace
}  // namespace haywatt::report
