#include <gtest/gtest.h>

#include "haywatt/report/report.hpp"

namespace haywatt::report {
namespace {

constexpr const char* bad = "<script>alert(1)</script>|`*{{title}}";

ProfileRecord hostile() {
  ProfileRecord r;
  r.subject = r.haywatt_version = r.machine.cpu_name = r.run.reason = bad;
  r.run.status = "failed";
  r.by = "sampling";
  r.run.wall_s = r.run.cpu_s = 1.0;
  r.run.warnings = r.notes = {bad};
  OperatorRecord& o = r.operators.emplace_back();
  o.phase = o.layer = o.name = bad;
  o.dtype = "f64";
  o.calls = 1;
  o.cpu_s = o.wall_s = 0.5;
  o.flops = o.macs = o.read_B = o.written_B = o.parameters = 1e9;
  r.compute_peaks = {{"f64", 1, 1e11}, {bad, 1, 2e11}};
  r.memory_peaks = {{"L1", 1, 1e12, 1e11}, {bad, 1, 0.0, 1e10}};
  r.stacks.by = bad;
  r.stacks.period_s = 0.01;
  r.stacks.samples = 3;
  r.stacks.frames = {{bad, bad, bad, 3}};
  r.stacks.nodes = {{-1, 0, 3, 0.03}};
  return r;
}

TEST(ProfileReport, NothingOfARecordBecomesMarkup) {
  const std::string page = to_html(hostile());
  EXPECT_EQ(page.find("<script>alert"), std::string::npos);
  EXPECT_NE(page.find("&lt;script&gt;alert"), std::string::npos);
  EXPECT_NE(page.find("<circle"), std::string::npos) << "the operator has a place under the roofline";
  EXPECT_EQ(to_markdown(hostile()).find("\n| <script>"), std::string::npos);
  EXPECT_NE(operator_summary(hostile(), 10).find("the run failed"), std::string::npos);
}

TEST(ProfileReport, AnEmptyRecordMakesAPage) {
  EXPECT_NE(to_html(ProfileRecord()).find("</html>"), std::string::npos);
  EXPECT_NE(to_markdown(ProfileRecord()).find("# Profile"), std::string::npos);
  EXPECT_NE(operator_summary(ProfileRecord(), 10).find("no operator"), std::string::npos);
}

TEST(ProfileReport, AStudyHoldsWhatLiesBesideIt) {
  Attachments beside;
  const StudyRecord study;
  EXPECT_EQ(to_html(study, beside).find("attachments-title"), std::string::npos);
  beside.profiles = {hostile(), hostile()};
  BottleneckRecord& b = beside.bottlenecks.emplace_back();
  b.command = b.verdict = b.reason = b.advice = bad;
  const std::string page = to_html(study, beside);
  EXPECT_NE(page.find("profile-1-operators-title"), std::string::npos);
  EXPECT_NE(page.find("profile-2-operators-title"), std::string::npos);
  EXPECT_NE(page.find("Bottleneck of"), std::string::npos);
  EXPECT_EQ(page.find("<script>alert"), std::string::npos);
}

TEST(ProfileReport, WhatIsNotKnownIsNoNumber) {
  ProfileRecord r;
  r.run.cpu_s = 1.0;
  OperatorRecord& o = r.operators.emplace_back();
  o.phase = "encode";
  o.name = "zstd compress";
  o.calls = 1;
  o.cpu_s = 1.0;
  const std::string page = to_html(r);
  EXPECT_EQ(page.find("-1"), std::string::npos);
  EXPECT_EQ(page.find("id=\"roofline-title\""), std::string::npos);
}

}  // namespace
}  // namespace haywatt::report
