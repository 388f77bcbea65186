#include "report/flame_graph.hpp"

#include <gtest/gtest.h>

#include <string>

namespace haywatt::report {
namespace {

std::size_t count(const std::string& text, const std::string& word) {
  std::size_t n = 0;
  for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + word.size())) ++n;
  return n;
}

TEST(FlameGraph, BoxesAreAsWideAsTheirShare) {
  StackProfile s;
  s.clock = "cpu";
  s.frames = {{"main", "prog", "", 0}, {"f<int>", "prog", "a&b.cpp", 3}, {"tiny", "prog", "", 0}};
  s.nodes = {{-1, 0, 25, 0.25}, {0, 1, 75, 0.7496}, {0, 2, 1, 0.0004}};
  const std::string html = flame_graph(s);
  EXPECT_NE(html.find("<svg x=\"0.0000%\" y=\"0\" width=\"100.0000%\""), std::string::npos);
  EXPECT_NE(html.find("<svg x=\"0.0000%\" y=\"16\" width=\"74.9600%\""), std::string::npos);
  EXPECT_NE(html.find("f&lt;int&gt;\nprog\na&amp;b.cpp:3"), std::string::npos);
  EXPECT_EQ(html.find("tiny"), std::string::npos);  // below 0.1 %
  EXPECT_EQ(html.find("f<int>"), std::string::npos);
}

TEST(FlameGraph, StaysSmall) {
  StackProfile s;
  const std::string name(400, 'x');
  for (std::uint32_t i = 0; i < 20'000; ++i) {
    s.frames.push_back({name + std::to_string(i), name, "", 0});
    s.nodes.push_back({i % 500 == 0 ? -1 : static_cast<std::int32_t>(i) - 1, i, 1, 0.01});
  }
  const std::string html = flame_graph(s);
  EXPECT_LT(html.size(), 1'000'000U);
  EXPECT_LE(count(html, "<title>"), 3'000U);
}

TEST(FlameGraph, NothingSampledIsNothing) {
  EXPECT_EQ(flame_graph({}), "");
  StackProfile s;
  s.frames = {{"main", "prog", "", 0}};
  s.nodes = {{-1, 0, 0, 0.0}};
  EXPECT_EQ(flame_graph(s), "");
}

}  // namespace
}  // namespace haywatt::report
