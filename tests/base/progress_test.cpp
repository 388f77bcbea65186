#include "haywatt/base/progress.hpp"

#include <gtest/gtest.h>
#include <pty.h>
#include <unistd.h>

#include <array>
#include <cmath>

#include "haywatt/base/log.hpp"

namespace haywatt {
namespace {

TEST(ProgressLine, ShowsShareItemAndTimeLeft) {
  const std::string line = progress_line("study", 0.25, "3/12 zstd", 10.0, 100);
  EXPECT_EQ(line, "study [=====               ]  25% 0:30 left  3/12 zstd");
}

TEST(ProgressLine, KeepsToTheWidthAndTakesAnyShare) {
  for (const double share : {-1.0, 0.0, 0.5, 1.0, 7.0, static_cast<double>(NAN)})
    for (const int width : {1, 10, 40, 200})
      EXPECT_LE(progress_line("a title", share, "item", 3.0, width).size(), static_cast<std::size_t>(width));
  EXPECT_NE(progress_line("t", 0.0, "", 5000.0, 80).find("  0%"), std::string::npos);
  EXPECT_EQ(progress_line("t", 0.0, "", 5000.0, 80).find("left"), std::string::npos) << "no guess from nothing";
  EXPECT_NE(progress_line("t", 0.5, "", 7322.0, 80).find("2:02:02 left"), std::string::npos);
}

std::string drawn_on_terminal() {
  int primary = -1;
  int terminal = -1;
  EXPECT_EQ(::openpty(&primary, &terminal, nullptr, nullptr, nullptr), 0);
  {
    Progress bar("work", terminal);
    bar.update(0.5, "half");
  }
  // A pseudo-terminal hands its bytes on asynchronously: only after the last closing is the end of them an error (EIO).
  ::close(terminal);
  std::string drawn;
  std::array<char, 1024> text{};
  ssize_t n = 0;
  while ((n = ::read(primary, text.data(), text.size())) > 0) drawn.append(text.data(), static_cast<std::size_t>(n));
  ::close(primary);
  return drawn;
}

TEST(Progress, DrawsOnATerminalAndErasesItself) {
  const std::string text = drawn_on_terminal();
  EXPECT_NE(text.find("work"), std::string::npos);
  EXPECT_NE(text.find("50%"), std::string::npos);
  EXPECT_TRUE(text.ends_with("\r\x1b[K")) << text;
}

TEST(Progress, IsSilentInAPipeAndWhenQuiet) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  {
    Progress bar("work", ends[1]);
    EXPECT_FALSE(bar.visible());
    bar.update(0.5, "half");
  }
  ::close(ends[1]);
  char c = 0;
  EXPECT_EQ(::read(ends[0], &c, 1), 0) << "something was written to a pipe";
  ::close(ends[0]);
  log::set_level(log::Level::Quiet);
  EXPECT_EQ(drawn_on_terminal(), "");
  log::set_level(log::Level::Normal);
}

}  // namespace
}  // namespace haywatt
