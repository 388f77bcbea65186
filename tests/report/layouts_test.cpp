#include <gtest/gtest.h>

#include "haywatt/report/report.hpp"

namespace haywatt::report {
namespace {

LayoutsRecord hostile() {
  const std::string bad = "<script>alert(1)</script>|`*";
  LayoutsRecord r;
  r.command = bad;
  r.machine.cpu_name = bad;
  r.notes = {bad};
  LayoutPart& part = r.parts.emplace_back();
  part.mpi = part.blas = bad;
  LayoutNetwork& n = part.networks.emplace_back();
  n.name = n.transport = bad;
  LayoutCase& c = n.cases.emplace_back();
  c.layout = bad;
  c.trials = {{1.0, {1.0}}};
  c.time_s = c.cpu_s = Figure::exact(1.0, "s");
  c.energy_J = Figure::exact(2.0, "J");
  c.predicted_time_s = 1.1;
  LayoutPays& p = r.pays.emplace_back();
  p.network = p.time.layout = p.energy.layout = p.assumption = bad;
  r.pays.push_back(p);
  r.pays.back().extrapolated = true;
  return r;
}

TEST(LayoutsReport, NothingOfARecordBecomesMarkup) {
  const std::string page = to_html(hostile());
  EXPECT_EQ(page.find("<script>alert"), std::string::npos);
  EXPECT_EQ(page.find("{{"), std::string::npos);
  EXPECT_NE(page.find("&lt;script&gt;alert"), std::string::npos);
  EXPECT_EQ(to_markdown(hostile()).find("\n| <script>"), std::string::npos);
}

TEST(LayoutsReport, AnEmptyRecordMakesAPage) {
  EXPECT_NE(to_html(LayoutsRecord()).find("</html>"), std::string::npos);
  EXPECT_FALSE(to_markdown(LayoutsRecord()).empty());
}

TEST(LayoutsReport, ThePageSaysWhatWasPredictedAndMeasured) {
  LayoutsRecord r = hostile();
  r.cases = 1;
  r.within_20_percent = 1;
  const std::string text = layouts_summary(r);
  EXPECT_NE(text.find("Of 1 cases, the time of 1 was predicted within 20 %"), std::string::npos);
}

}  // namespace
}  // namespace haywatt::report
