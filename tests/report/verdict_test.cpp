#include "report/verdict.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "haywatt/report/report.hpp"
#include "report/fixture.hpp"

namespace haywatt::report {
namespace {

using metrics::Summary;
using metrics::SummaryRow;

Figure joules(double value, const std::string& run, double u_run) {
  return Figure::from_components(value, "J/GB",
                                 {{"model", 'B', 0.5, 0.0, {CorrelationKind::Model, "VM"}},
                                  {"repeats", 'A', u_run, 0.0, {CorrelationKind::Run, run}}});
}

SummaryRow row(const std::string& method, const std::string& bound, std::uint64_t size, double energy,
               double u_run = 0.02) {
  SummaryRow r;
  r.method = method;
  r.bound = bound;
  r.ok_runs = 6;
  r.rows = 100;
  r.raw_B = 10'000;
  r.compressed_B = size;
  r.bytes_per_row.value = Figure::exact(static_cast<double>(size) / 100.0, "B/row");
  r.factor.value = Figure::exact(10'000.0 / static_cast<double>(size), "1");
  if (energy > 0) {
    r.attributed.value = joules(energy, method + bound, u_run);
    r.compress_energy = r.attributed.value;
    r.decode_energy = joules(energy / 10, method + bound, u_run);
  }
  return r;
}

Summary summary_of(std::vector<SummaryRow> rows, bool known = true) {
  Summary s;
  s.rows = std::move(rows);
  s.basis.known = known;
  s.baseline = 0;
  return s;
}

TEST(Verdict, NamesTheSmallestAndTheCheapest) {
  const Verdict v =
      make_verdict(summary_of({row("small", "lossless", 4000, 200), row("cheap", "lossless", 5000, 100)}));
  ASSERT_EQ(v.smallest.size(), 1U);
  EXPECT_EQ(v.smallest[0],
            "Lossless, small makes the smallest file: 40.0 B/row, 2.50 times smaller than the raw values.");
  ASSERT_EQ(v.energy.size(), 1U);
  EXPECT_TRUE(v.energy[0].starts_with("Lossless, cheap uses the least energy, 100 J/GB (")) << v.energy[0];
}

TEST(Verdict, SharedModelCancelsSoThatWideIntervalsMayStillBeTold) {
  // Alone, each interval spans a factor 2.7 either way and they overlap; jointly the ratio is 1.10 (1.04 to 1.16).
  const Verdict v = make_verdict(summary_of({row("a", "lossless", 4000, 110), row("b", "lossless", 5000, 100)}));
  EXPECT_NE(v.energy[0].find("b uses the least energy"), std::string::npos) << v.energy[0];
}

TEST(Verdict, CannotTellIsAVerdict) {
  const Verdict v = make_verdict(
      summary_of({row("a", "lossless", 4000, 103), row("b", "lossless", 5000, 100), row("c", "lossless", 6000, 400)}));
  EXPECT_TRUE(v.energy[0].starts_with("Lossless, it cannot be told which of b and a uses the least energy"))
      << v.energy[0];
}

TEST(Verdict, CannotTellAmongAll) {
  const Verdict v = make_verdict(
      summary_of({row("a", "lossless", 1, 101), row("b", "lossless", 2, 100), row("c", "lossless", 3, 102)}));
  EXPECT_NE(v.energy[0].find("cannot be told which method"), std::string::npos) << v.energy[0];
}

TEST(Verdict, UnknownEnergyIsSaidAndNeverZero) {
  const Verdict v = make_verdict(summary_of({row("a", "lossless", 4000, 0)}, false));
  EXPECT_NE(v.energy.at(0).find("unknown"), std::string::npos);
  EXPECT_NE(v.payback.find("cannot be told"), std::string::npos);
}

TEST(Verdict, NothingSmallerNeverPaysBack) {
  const Verdict v = make_verdict(summary_of({row("a", "lossless", 12'000, 10)}));
  EXPECT_NE(v.payback.find("never pays back"), std::string::npos) << v.payback;
  EXPECT_NE(v.smallest[0].find("no smaller than the raw values"), std::string::npos);
}

TEST(Verdict, EqualSizesAreATie) {
  const Verdict v = make_verdict(summary_of({row("a", "lossless", 4000, 1), row("b", "lossless", 4000, 2)}));
  EXPECT_NE(v.smallest[0].find("a and b make equally small files"), std::string::npos) << v.smallest[0];
}

TEST(Verdict, BalerIsComparedUnderItsBoundAndWithoutOneToTheBaseline) {
  SummaryRow lossy = row("baler", "none", 2000, 5000);
  lossy.error_over_range = 0.12;
  const Verdict v = make_verdict(summary_of({row("zstd", "lossless", 5000, 100), row("sz", "range:1e-3", 1000, 100),
                                             row("baler", "range:1e-3", 3000, 5000), lossy}));
  ASSERT_EQ(v.baler.size(), 2U);
  EXPECT_TRUE(v.baler[0].starts_with("Within range:1e-3, baler makes 30.0 B/row: 3.00 times the size and 50.0 ("))
      << v.baler[0];
  EXPECT_NE(v.baler[0].find("of sz, the smallest other method"), std::string::npos);
  EXPECT_NE(v.baler[1].find("errors of up to 12.0 %"), std::string::npos) << v.baler[1];
  EXPECT_NE(v.baler[1].find("of the baseline, zstd (lossless)"), std::string::npos) << v.baler[1];
  EXPECT_EQ(v.smallest.size(), 2U);  // without a bound Baler has no competitor
}

TEST(Verdict, FailedBalerGivesItsReason) {
  SummaryRow failed;
  failed.method = "baler";
  failed.bound = "none";
  failed.failed_runs = 1;
  failed.reason = "no plug-in";
  const Verdict v = make_verdict(summary_of({row("zstd", "lossless", 5000, 100), failed}));
  EXPECT_EQ(v.baler.at(0), "With no bound, baler failed: no plug-in.");
}

TEST(Verdict, NothingRan) {
  EXPECT_NE(make_verdict(Summary{}).smallest.at(0).find("No run succeeded"), std::string::npos);
}

TEST(MetricsJson, HasEveryRowAndItsRatio) {
  const StudyRecord study = test::make_study();
  const nlohmann::json j = to_metrics(study);
  EXPECT_EQ(j["schema"], "haywatt-metrics/1");
  EXPECT_EQ(j["baseline"]["method"], "zstd");
  EXPECT_EQ(j["energy"]["sensor"], "estimate");
  EXPECT_EQ(j["rows"].size(), 24U);
  const auto is = [](const char* method, const char* bound) {
    return [=](const nlohmann::json& r) { return r["method"] == method && r["bound"] == bound; };
  };
  const auto base = std::find_if(j["rows"].begin(), j["rows"].end(), is("zstd", "lossless"));
  ASSERT_NE(base, j["rows"].end());
  EXPECT_EQ((*base)["energy_per_GB_attributed"]["to_baseline"]["value"], 1.0);
  EXPECT_EQ((*base)["energy_per_GB_attributed"]["to_baseline"]["low"], 1.0);
  const auto failed = std::find_if(j["rows"].begin(), j["rows"].end(), is("hdf5:sz3", "lossless"));
  ASSERT_NE(failed, j["rows"].end());
  EXPECT_EQ((*failed)["runs_failed"], 6);
  EXPECT_FALSE((*failed)["reason"].get<std::string>().empty());
  EXPECT_FALSE(failed->contains("bytes_per_row"));
}

TEST(Markdown, EveryTableRowHasTheSameCells) {
  for (const bool hostile : {false, true}) {
    test::FixtureOptions o;
    o.hostile_names = hostile;
    o.repeats = 2;
    const std::string text = to_markdown(test::make_study(o));
    std::size_t rows = 0;
    for (std::size_t at = text.find("\n| "); at != std::string::npos; at = text.find("\n| ", at + 1)) {
      const std::string line = text.substr(at + 1, text.find('\n', at + 1) - at - 1);
      std::size_t bars = 0;
      for (std::size_t i = 0; i < line.size(); ++i) bars += line[i] == '|' && (i == 0 || line[i - 1] != '\\');
      EXPECT_EQ(bars, 12U) << line;
      ++rows;
    }
    EXPECT_EQ(rows, 25U);
    // Markup may stand only where it is literal: in the indented block of the command.
    for (std::size_t at = text.find('<'); at != std::string::npos; at = text.find('<', at + 1))
      EXPECT_EQ(text.substr(text.rfind('\n', at) + 1, 4), "    ");
  }
}

}  // namespace
}  // namespace haywatt::report
