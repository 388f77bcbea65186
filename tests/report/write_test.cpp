// Whole documents from the fixture. With HAYWATT_REPORT_OUT set they are also written there, for the browser test and
// for looking at.
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "haywatt/base/file.hpp"
#include "haywatt/report/report.hpp"
#include "report/fixture.hpp"

namespace haywatt {
namespace {

constexpr std::size_t size_limit = 3'000'000;

std::string write(const std::string& name, const StudyRecord& study) {
  const std::string html = report::to_html(study);
  if (const char* folder = std::getenv("HAYWATT_REPORT_OUT")) {
    write_text_file(std::string(folder) + "/" + name + ".html", html);
    write_text_file(std::string(folder) + "/" + name + ".md", report::to_markdown(study));
    write_text_file(std::string(folder) + "/" + name + ".json",
                    report::to_metrics(study).dump(1, ' ', false, nlohmann::json::error_handler_t::replace));
  }
  return html;
}

TEST(WholeReport, TypicalStudy) {
  const std::string page = write("typical", test::make_study());
  EXPECT_LT(page.size(), size_limit);
  // 52,000 multiply-accumulates a row are twice as many FLOP.
  EXPECT_NE(page.find("The networks"), std::string::npos);
  EXPECT_NE(page.find("104 kFLOP"), std::string::npos);
}

TEST(WholeReport, HundredColumnsTwentyMethodsStayUnderThreeMegabytes) {
  test::FixtureOptions o;
  o.columns = 100;
  o.extra_methods = 8;
  o.bins = 100;
  o.samples = 2000;
  o.repeats = 2;
  EXPECT_LT(write("large", test::make_study(o)).size(), size_limit);
}

TEST(WholeReport, ThousandColumnsStayUnderThreeMegabytesAndSayWhatIsLeftOut) {
  test::FixtureOptions o;
  o.columns = 1000;
  o.bins = 100;
  o.repeats = 1;
  const std::string html = write("wide", test::make_study(o));
  EXPECT_LT(html.size(), size_limit);
  EXPECT_NE(html.find("further columns are not drawn"), std::string::npos);
}

TEST(WholeReport, UnknownEnergy) {
  test::FixtureOptions o;
  o.energy = false;
  const std::string html = write("no-energy", test::make_study(o));
  EXPECT_NE(html.find("Energy is unknown"), std::string::npos);
  EXPECT_EQ(html.find("0 J/GB"), std::string::npos);
}

TEST(WholeReport, HostileTexts) {
  test::FixtureOptions o;
  o.hostile_names = true;
  o.repeats = 2;
  const std::string html = write("hostile", test::make_study(o));
  EXPECT_EQ(html.find("<script>alert"), std::string::npos);
  EXPECT_EQ(html.find("<img"), std::string::npos);
  std::size_t scripts = 0;  // ours: data, Chart.js, charts
  for (std::size_t at = html.find("</script"); at != std::string::npos; at = html.find("</script", at + 1)) ++scripts;
  EXPECT_EQ(scripts, 3U);
}

TEST(WholeReport, NothingRan) {
  StudyRecord study;
  study.title = "nothing";
  EXPECT_NE(write("empty", study).find("No run succeeded"), std::string::npos);
}

TEST(WholeReport, OnlyFailures) {
  test::FixtureOptions o;
  o.columns = 2;
  o.repeats = 1;
  StudyRecord study = test::make_study(o);
  for (RunRecord& run : study.runs) {
    RunRecord failed;
    failed.method = run.method;
    failed.bound = run.bound;
    failed.status = "failed";
    failed.reason = "out of memory";
    run = failed;
  }
  EXPECT_NE(write("failures", study).find("out of memory"), std::string::npos);
}

}  // namespace
}  // namespace haywatt
