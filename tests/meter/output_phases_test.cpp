/// Phases read off a program's own output.
#include "meter/output_phases.hpp"

#include <gtest/gtest.h>

#include <random>

#include "haywatt/base/error.hpp"

namespace haywatt::meter {
namespace {

std::vector<std::string> names(const std::vector<PhaseMark>& marks) {
  std::vector<std::string> list;
  for (const PhaseMark& mark : marks) {
    EXPECT_EQ(mark.kind, PhaseMark::Kind::Switch);
    EXPECT_EQ(mark.tid, 0);
    list.push_back(mark.phase);
  }
  return list;
}
using Names = std::vector<std::string>;

TEST(OutputPhases, TheFirstGroupIsTheName) {
  OutputPhases phases("^== (.*) ==$");
  EXPECT_EQ(names(phases.feed("hello\n== read ==\n1 2 3\n== fit ==\n", 1)), (Names{"read", "fit"}));
}

TEST(OutputPhases, TheNamedGroupComesBeforeTheFirst) {
  OutputPhases phases(R"(^\[(\d+)\] stage (?P<phase>\w+))");
  EXPECT_EQ(names(phases.feed("[12] stage train: go\n", 2)), Names{"train"});
}

TEST(OutputPhases, TheGroupThatTookPartIsTheName) {
  OutputPhases phases("^Starting (\\w+)|^Now (\\w+)");
  EXPECT_EQ(names(phases.feed("Starting read\nNow write\n", 1)), (Names{"read", "write"}));
}

TEST(OutputPhases, WithoutAGroupTheMatchIsTheName) {
  OutputPhases phases("train|compress");
  EXPECT_EQ(names(phases.feed("now we train it\nnow we compress it\n", 1)), (Names{"train", "compress"}));
}

TEST(OutputPhases, AnEmptyNameEndsThePhase) {
  OutputPhases phases("^# *(.*)$");
  EXPECT_EQ(names(phases.feed("# fit\n#\n", 1)), (Names{"fit", ""}));
}

TEST(OutputPhases, ARepeatedNameIsOnePhase) {
  OutputPhases phases("^(train)");
  EXPECT_EQ(names(phases.feed("train 1 %\rtrain 2 %\rtrain 3 %\n", 1)), Names{"train"});
}

TEST(OutputPhases, ColoursAreNotPartOfIt) {
  OutputPhases phases("^INFO (.*)$");
  EXPECT_EQ(names(phases.feed("\x1b[1;32mINFO\x1b[0m  fit \x1b[K\n", 1)), Names{"fit"});
}

TEST(OutputPhases, StreamsAreCutIntoLinesApart) {
  OutputPhases phases("^phase (\\w+)$");
  EXPECT_TRUE(phases.feed("phase ou", 1).empty());
  EXPECT_TRUE(phases.feed("phase er", 2).empty());
  EXPECT_EQ(names(phases.feed("tput\n", 1)), Names{"output"});
  EXPECT_EQ(names(phases.feed("rors\n", 2)), Names{"errors"});
}

TEST(OutputPhases, AnyCutsOfTheSameBytesGiveTheSamePhases) {
  std::string text;
  for (int i = 0; i < 200; ++i)
    text += std::string(static_cast<std::size_t>(i), '.') + "\n== p" + std::to_string(i % 7) + " ==\r\n";
  OutputPhases whole("== (\\w+) ==");
  const Names expected = names(whole.feed(text, 1));
  EXPECT_EQ(expected.size(), 200U);
  std::mt19937 random(4);
  for (int repeat = 0; repeat < 50; ++repeat) {
    OutputPhases phases("== (\\w+) ==");
    Names got;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t n = 1 + random() % 90;
      for (const std::string& name : names(phases.feed(std::string_view(text).substr(at, n), 1))) got.push_back(name);
      at += n;
    }
    EXPECT_EQ(got, expected);
  }
}

TEST(OutputPhases, OfAnEndlessLineTheBeginningCounts) {
  OutputPhases phases("^start.*(x)");
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(phases.feed(std::string(100'000, 'y'), 1).empty());
  EXPECT_TRUE(phases.feed("start x\n", 1).empty());
  EXPECT_EQ(names(phases.feed("start x\n", 1)), Names{"x"});
}

TEST(OutputPhases, ExpressionsThatBacktrackElsewhereAreHarmless) {
  OutputPhases phases("^(a+)+$|(x*)*y|(a|aa)+b");
  std::string text;
  for (int i = 0; i < 200; ++i) text += std::string(longest_output_line - 1, 'a') + "!\n";
  EXPECT_TRUE(phases.feed(text, 1).empty());
}

TEST(OutputPhases, AnyBytesMakeANameOrNone) {
  OutputPhases phases("(?s)p(.*)");
  std::mt19937 random(7);
  std::size_t seen = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text = "p";
    for (std::size_t n = random() % 300; n > 0; --n) text += static_cast<char>(random());
    for (const PhaseMark& mark : phases.feed(text + "\n", 1)) {
      ++seen;
      EXPECT_TRUE(mark.phase.empty() || is_phase_name(mark.phase)) << mark.phase;
    }
  }
  EXPECT_GT(seen, 500U);
}

TEST(OutputPhases, WhatIsNoExpressionIsAMistakeOfUsage) {
  const std::string groups = [] {
    std::string text;
    for (int i = 0; i < 17; ++i) text += "(a)";
    return text;
  }();
  for (const std::string& regex : {std::string("(open"), std::string("(a)\\1"), std::string("(?=a)"), groups,
                                   std::string("((((((((((a{100}){100}){100}){100}){100}){100}){100}))))")}) {
    try {
      const OutputPhases phases(regex);
      ADD_FAILURE() << regex;
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::Usage);
      EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace haywatt::meter
