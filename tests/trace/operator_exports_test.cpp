#include "haywatt/trace/operator_exports.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

namespace haywatt::trace {
namespace {

ProfileRecord example() {
  ProfileRecord r;
  r.subject = "baler \"x\" on \xff";
  r.by = "operators";
  r.run.wall_s = 2.0;
  r.run.spans = {{"encode", 1, 0.5, 1.5}};
  OperatorRecord& o = r.operators.emplace_back();
  o.phase = "encode";
  o.layer = "encoder.0";
  o.name = "dense, \"f\"";
  o.calls = 2;
  o.cpu_s = 0.5;
  r.timeline = {{1, 0, 0.5, 0.75}, {2, 0, 0.6, 0.7}};
  return r;
}

TEST(OperatorExports, EveryCsvRowHasAsManyCellsAsTheHeading) {
  std::istringstream lines(operators_to_csv(example()));
  const auto cells = [](const std::string& line) {
    std::size_t count = 1;
    bool quoted = false;
    for (const char c : line) {
      if (c == '"') quoted = !quoted;
      if (c == ',' && !quoted) ++count;
    }
    return count;
  };
  std::string heading, row;
  ASSERT_TRUE(std::getline(lines, heading));
  ASSERT_TRUE(std::getline(lines, row));
  EXPECT_EQ(cells(heading), cells(row));
  EXPECT_NE(row.find("\"dense, \"\"f\"\"\""), std::string::npos);
  EXPECT_NE(row.find(",0.5,0,,,,,,0,"), std::string::npos) << "unknown counts are empty: " << row;
}

TEST(OperatorExports, TheTraceHoldsPhasesAndCalls) {
  const auto trace = nlohmann::json::parse(operators_to_chrome_trace(example()));
  int phases = 0, calls = 0;
  for (const auto& e : trace["traceEvents"]) {
    if (e["ph"] != "X") continue;
    phases += e["cat"] == "phase" ? 1 : 0;
    if (e["cat"] != "operator") continue;
    ++calls;
    EXPECT_GE(e["dur"].get<double>(), 0.0);
    EXPECT_EQ(e["args"]["phase"], "encode");
  }
  EXPECT_EQ(phases, 1);
  EXPECT_EQ(calls, 2);
}

}  // namespace
}  // namespace haywatt::trace
