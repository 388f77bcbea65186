/// Marks become borders at which the CPU time of the tree is known as well as the marks allow.
#include "meter/tree/phase_track.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace haywatt::meter {
namespace {

using Kind = PhaseMark::Kind;
constexpr std::int64_t ms = 1'000'000;

PhaseMark mark(Kind kind, const std::string& phase, std::int64_t wall_ns, std::int64_t cpu_ns, std::int32_t tid = 1) {
  PhaseMark m;
  m.kind = kind;
  m.phase = phase;
  m.wall_ns = wall_ns;
  m.thread_cpu_ns = cpu_ns;
  m.pid = 1;
  m.tid = tid;
  return m;
}

std::vector<std::int64_t> cpu_of(const std::vector<Border>& borders) {
  std::vector<std::int64_t> list;
  list.reserve(borders.size());
  for (const Border& b : borders) list.push_back(b.at.process_cpu_ns);
  return list;
}

TEST(PhaseTrack, ThreadsThatTellTheirCpuTimeAreBelieved) {
  PhaseTrack track(1000 * ms, 0);
  // Busy from 1010 to 1020, asleep until 1060, read at 1060.
  track.take({mark(Kind::Begin, "busy", 1010 * ms, 5 * ms), mark(Kind::End, "busy", 1020 * ms, 15 * ms),
              mark(Kind::Begin, "asleep", 1020 * ms, 15 * ms), mark(Kind::End, "asleep", 1060 * ms, 15 * ms)},
             1060 * ms, 10 * ms);
  EXPECT_EQ(cpu_of(track.borders()), (std::vector<std::int64_t>{0, 10 * ms, 10 * ms, 10 * ms}));
}

TEST(PhaseTrack, WhatNobodyToldRoseEvenly) {
  PhaseTrack track(1000 * ms, 0);
  track.take({mark(Kind::Begin, "a", 1025 * ms, -1), mark(Kind::Switch, "b", 1050 * ms, -1)}, 1100 * ms, 40 * ms);
  EXPECT_EQ(cpu_of(track.borders()), (std::vector<std::int64_t>{10 * ms, 20 * ms, 20 * ms}));
  // A second process uses 20 ms while the one that marks uses 10 ms of its first half.
  track.take({mark(Kind::Switch, "c", 1100 * ms, 0), mark(Kind::Switch, "d", 1150 * ms, 10 * ms)}, 1200 * ms, 70 * ms);
  EXPECT_EQ(cpu_of(track.borders()), (std::vector<std::int64_t>{40 * ms, 40 * ms, 60 * ms, 60 * ms}));
}

TEST(PhaseTrack, AThreadMayBeAheadOfTheTreeByOneTick) {
  PhaseTrack track(1000 * ms, 0);
  track.take({mark(Kind::Begin, "a", 1000 * ms, 0), mark(Kind::End, "a", 1004 * ms, 4 * ms)}, 1005 * ms, 0);
  EXPECT_EQ(cpu_of(track.borders()), (std::vector<std::int64_t>{0, 4 * ms}));
  track.take({mark(Kind::Begin, "b", 1009 * ms, 4 * ms)}, 1010 * ms, 4 * ms);
  EXPECT_EQ(cpu_of(track.borders()), std::vector<std::int64_t>{4 * ms});
  // Twenty threads that claim a second each are not.
  std::vector<PhaseMark> claims;
  for (std::int32_t tid = 10; tid < 30; ++tid) {
    claims.push_back(mark(Kind::Begin, "c", 1010 * ms, 0, tid));
    claims.push_back(mark(Kind::End, "c", 2010 * ms, 1000 * ms, tid));
  }
  track.take(claims, 2010 * ms, 104 * ms);
  for (const std::int64_t cpu : cpu_of(track.borders())) EXPECT_LE(cpu, 104 * ms + tick_ns);
}

TEST(PhaseTrack, MarksThatComeLateCountAtTheLastLook) {
  PhaseTrack track(1000 * ms, 0);
  track.at(1100 * ms, 50 * ms);
  track.take({mark(Kind::Begin, "a", 1020 * ms, 3 * ms), mark(Kind::End, "a", 1090 * ms, 9 * ms)}, 1110 * ms, 55 * ms);
  for (const Border& b : track.borders()) {
    EXPECT_EQ(b.at.wall_ns, 1100 * ms);
    EXPECT_EQ(b.at.process_cpu_ns, 50 * ms);
  }
}

TEST(PhaseTrack, EndsAndSwitchesFollowTheProtocol) {
  PhaseTrack track(0, 0);
  track.take({mark(Kind::End, "never", 1, -1), mark(Kind::Begin, "a", 2, -1), mark(Kind::Begin, "b", 3, -1),
              mark(Kind::End, "a", 4, -1), mark(Kind::End, "", 5, -1), mark(Kind::End, "", 6, -1),
              mark(Kind::Switch, "c", 7, -1), mark(Kind::Switch, "", 8, -1), mark(Kind::Switch, "", 9, -1)},
             10, 0);
  const std::vector<std::string> names = track.names();
  std::string text;
  for (const Border& b : track.borders()) text += (b.begin ? "+" : "-") + names.at(b.phase);
  EXPECT_EQ(text, "+a+b-b-a+b-b+c-c");
  EXPECT_EQ(track.present(), "");
}

/// Threads that work and sleep at random, each telling its true clock, with other work that nobody tells: borders in
/// order of time never step back, and stay between the reads of the tree (up to one tick).
TEST(PhaseTrack, CpuTimeNeverStepsBackWhateverTheMarks) {
  std::mt19937 random(3);
  for (int repeat = 0; repeat < 200; ++repeat) {
    std::int64_t wall = 1000 * ms, tree = 0, last = 0;
    PhaseTrack track(wall, tree);
    for (int batch = 0; batch < 20; ++batch) {
      const std::int64_t start = wall;
      std::vector<PhaseMark> marks;
      for (int i = static_cast<int>(random() % 6); i > 0; --i) {
        wall += random() % (3 * ms);
        const auto told = random() % 5 == 0 ? std::int64_t{-1} : static_cast<std::int64_t>(random() % (60 * ms));
        marks.push_back(mark(random() % 2 ? Kind::Begin : Kind::End, random() % 2 ? "a" : "b",
                             random() % 7 == 0 ? 0 : wall - static_cast<std::int64_t>(random() % (2 * ms)), told,
                             static_cast<std::int32_t>(random() % 3)));
      }
      wall += random() % (3 * ms);
      tree += static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(2 * (wall - start) + 1));
      track.take(marks, wall, tree);
      auto borders = track.borders();
      std::stable_sort(borders.begin(), borders.end(),
                       [](const Border& a, const Border& b) { return a.at.wall_ns < b.at.wall_ns; });
      for (const Border& b : borders) {
        EXPECT_GE(b.at.process_cpu_ns, last);
        EXPECT_LE(b.at.process_cpu_ns, tree + tick_ns);
        EXPECT_GE(b.at.wall_ns, start);
        EXPECT_LE(b.at.wall_ns, wall);
        last = b.at.process_cpu_ns;
      }
    }
  }
}

}  // namespace
}  // namespace haywatt::meter
