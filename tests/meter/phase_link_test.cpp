/// The line protocol by which programs tell their phases, and the FIFO it comes by.
#include "meter/phase_link.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <random>
#include <set>
#include <thread>

#include "haywatt/base/error.hpp"
#include "support/temporary_folder.hpp"

namespace haywatt::meter {
namespace {

using Kind = PhaseMark::Kind;

/// Writes as a program does: without waiting. False if the FIFO is full.
class Writer {
 public:
  explicit Writer(const PhaseLink& link) : fd_(open(link.environment().c_str(), O_WRONLY | O_NONBLOCK)) {}
  ~Writer() { close(fd_); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  bool put(std::string_view text) const { return write(fd_, text.data(), text.size()) == ssize_t(text.size()); }

 private:
  int fd_;
};

std::int64_t now_ns() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

TEST(PhaseLine, IsReadWithAllItsFields) {
  const auto mark = parse_phase_line("begin train t=12 cpu=34 pid=5 tid=6");
  ASSERT_TRUE(mark);
  EXPECT_EQ(mark->phase, "train");
  EXPECT_EQ(mark->kind, Kind::Begin);
  EXPECT_EQ(mark->wall_ns, 12);
  EXPECT_EQ(mark->thread_cpu_ns, 34);
  EXPECT_EQ(mark->pid, 5);
  EXPECT_EQ(mark->tid, 6);
}

TEST(PhaseLine, NeedsNothingButAVerbAndAName) {
  const auto begin = parse_phase_line("begin train"), end = parse_phase_line("  end\ttrain \t"),
             change = parse_phase_line("phase read/head"), none = parse_phase_line("phase"),
             innermost = parse_phase_line("end tid=3");
  ASSERT_TRUE(begin && end && change && none && innermost);
  EXPECT_EQ(begin->wall_ns, 0);
  EXPECT_EQ(begin->thread_cpu_ns, -1);
  EXPECT_EQ(begin->tid, 0);
  EXPECT_EQ(end->kind, Kind::End);
  EXPECT_EQ(end->phase, "train");
  EXPECT_EQ(change->kind, Kind::Switch);
  EXPECT_EQ(change->phase, "read/head");
  EXPECT_EQ(none->phase, "");
  EXPECT_EQ(innermost->phase, "");
  EXPECT_EQ(innermost->tid, 3);
}

TEST(PhaseLine, TakesQuotedNames) {
  const auto mark = parse_phase_line(R"(begin "read \"all\" of C:\\ t=9" tid=7)");
  ASSERT_TRUE(mark);
  EXPECT_EQ(mark->phase, R"(read "all" of C:\ t=9)");
  EXPECT_EQ(mark->tid, 7);
  EXPECT_EQ(parse_phase_line("begin \"a=b\"")->phase, "a=b");
  EXPECT_EQ(parse_phase_line("phase \"\"")->phase, "");
  EXPECT_EQ(parse_phase_line("begin \"\xc3\xa9tape \xe8\xaa\xad \xf0\x9f\x94\x8b\"")->phase,
            "\xc3\xa9tape \xe8\xaa\xad \xf0\x9f\x94\x8b");
}

TEST(PhaseLine, PassesOverFieldsOfLaterVersions) {
  const auto mark = parse_phase_line("begin train rank=3 t=1 flavour=sweet");
  ASSERT_TRUE(mark);
  EXPECT_EQ(mark->wall_ns, 1);
}

TEST(PhaseLine, RefusesWhatItDoesNotUnderstand) {
  using namespace std::string_literals;
  for (const std::string& line : {""s,
                                  " "s,
                                  "begin"s,
                                  "begin t=3"s,
                                  "begin \"\""s,
                                  "begn train"s,
                                  "BEGIN train"s,
                                  "begin read data"s,
                                  "begin \"open"s,
                                  "begin \"a\"b"s,
                                  "begin \"a\\"s,
                                  "begin a t="s,
                                  "begin a t=1x"s,
                                  "begin a t=-1"s,
                                  "begin a t=99999999999999999999"s,
                                  "begin a pid=4294967296"s,
                                  "begin a =3"s,
                                  "begin a\0b"s,
                                  "begin \x01"s,
                                  "begin \xff\xfe"s,
                                  "begin \xc0\xaf"s,
                                  "begin \xed\xa0\x80"s,
                                  "begin \xf5\x80\x80\x80"s,
                                  "begin \xe2\x82"s,
                                  "begin a\r"s,
                                  "begin \"\x1b[31m\""s,
                                  "begin " + std::string(longest_phase_name + 1, 'x')})
    EXPECT_FALSE(parse_phase_line(line)) << line;
  EXPECT_TRUE(parse_phase_line("begin " + std::string(longest_phase_name, 'x')));
}

TEST(PhaseLink, LivesInAPrivateFolderAndLeavesNothing) {
  const test::TemporaryFolder parent;
  ::setenv("XDG_RUNTIME_DIR", parent.path().c_str(), 1);
  {
    const PhaseLink link;
    EXPECT_TRUE(link.environment().starts_with(parent.path()));
    struct stat folder {
    }, fifo{};
    ASSERT_EQ(stat(std::filesystem::path(link.environment()).parent_path().c_str(), &folder), 0);
    ASSERT_EQ(stat(link.environment().c_str(), &fifo), 0);
    EXPECT_EQ(folder.st_mode & 07777, 0700U);
    EXPECT_EQ(fifo.st_mode & 07777, 0600U);
    EXPECT_TRUE(S_ISFIFO(fifo.st_mode));
    EXPECT_NE(fcntl(link.fd(), F_GETFD) & FD_CLOEXEC, 0);
  }
  EXPECT_TRUE(parent.entries().empty());
  ::unsetenv("XDG_RUNTIME_DIR");
}

TEST(PhaseLink, GoesToTheNextFolderWhereOneIsMissing) {
  ::setenv("XDG_RUNTIME_DIR", "/nowhere/at/all", 1);
  const test::TemporaryFolder parent;
  const char* before = std::getenv("TMPDIR");
  const std::string kept = before == nullptr ? "" : before;
  ::setenv("TMPDIR", parent.path().c_str(), 1);
  { EXPECT_TRUE(PhaseLink().environment().starts_with(parent.path())); }
  if (before == nullptr)
    ::unsetenv("TMPDIR");
  else
    ::setenv("TMPDIR", kept.c_str(), 1);
  ::unsetenv("XDG_RUNTIME_DIR");
}

TEST(PhaseLink, AForkedChildRemovesNothing) {
  PhaseLink link;
  const pid_t child = fork();
  if (child == 0) {
    link.~PhaseLink();
    _exit(0);
  }
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  EXPECT_TRUE(std::filesystem::exists(link.environment()));
  const Writer writer(link);
  EXPECT_TRUE(writer.put("begin a\n"));
  EXPECT_EQ(link.take().size(), 1U);
}

TEST(PhaseLink, GivesMarksInOrderAndAcrossReads) {
  PhaseLink link;
  EXPECT_TRUE(link.take().empty());
  const Writer writer(link);
  ASSERT_TRUE(writer.put("begin a\nbegin b\nend b\nend a\nphase c"));
  const auto first = link.take();
  ASSERT_EQ(first.size(), 4U);
  EXPECT_EQ(first[1].phase, "b");
  EXPECT_EQ(first[2].kind, Kind::End);
  ASSERT_TRUE(writer.put("ompress\n"));
  const auto second = link.take();
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(second[0].phase, "compress");
  EXPECT_EQ(link.lost(), 0U);
}

TEST(PhaseLink, BelievesNoTimeOfTheFutureNorOfBeforeTheStart) {
  const std::int64_t before = now_ns();
  PhaseLink link;
  const std::int64_t during = now_ns();
  const Writer writer(link);
  const auto line = [](std::int64_t t, std::int64_t cpu) {
    return "begin a t=" + std::to_string(t) + " cpu=" + std::to_string(cpu) + "\n";
  };
  const std::int64_t far = std::int64_t{1} << 62;
  ASSERT_TRUE(writer.put(line(before - 1, 5) + line(during, 0) + line(far, far) + line(0, 7)));
  const auto marks = link.take();
  ASSERT_EQ(marks.size(), 4U);
  EXPECT_EQ(marks[0].wall_ns, 0);
  EXPECT_EQ(marks[0].thread_cpu_ns, 5);
  EXPECT_EQ(marks[1].wall_ns, during);
  EXPECT_EQ(marks[1].thread_cpu_ns, 0);
  EXPECT_EQ(marks[2].wall_ns, 0);
  EXPECT_EQ(marks[2].thread_cpu_ns, -1);
  EXPECT_EQ(marks[3].wall_ns, 0);
  EXPECT_EQ(link.lost(), 0U);
}

TEST(PhaseLink, AnEndlessLineIsOneLostLine) {
  PhaseLink link;
  const Writer writer(link);
  for (int i = 0; i < 300; ++i) {
    ASSERT_TRUE(writer.put(std::string(4096, 'x')));
    EXPECT_TRUE(link.take().empty());
  }
  ASSERT_TRUE(writer.put("end of it\nbegin a\n"));
  EXPECT_EQ(link.take().size(), 1U);
  EXPECT_EQ(link.lost(), 1U);
}

TEST(PhaseLink, AFullFifoMakesNoWriterWait) {
  PhaseLink link;
  const Writer writer(link);
  std::uint64_t written = 0;
  while (writer.put("begin a t=1 cpu=2 pid=3 tid=4\n")) ++written;
  EXPECT_GT(written, 1000U);
  std::uint64_t seen = 0;
  for (auto marks = link.take(); !marks.empty(); marks = link.take()) seen += marks.size();
  EXPECT_EQ(seen, written);
  EXPECT_TRUE(writer.put("end a\n"));
}

TEST(PhaseLink, NamesWithoutEndAreHeldTogether) {
  PhaseLink link;
  const Writer writer(link);
  std::set<std::string> names;
  for (int i = 0; i < 20'000; ++i) {
    ASSERT_TRUE(writer.put("begin event" + std::to_string(i) + "\nend event" + std::to_string(i) + "\n"));
    const auto marks = link.take();
    ASSERT_EQ(marks.size(), 2U);
    EXPECT_EQ(marks[0].phase, marks[1].phase);
    names.insert(marks[0].phase);
  }
  EXPECT_EQ(names.size(), most_phase_names + 1);
  EXPECT_TRUE(names.contains(std::string(further_phases)));
}

TEST(PhaseLink, LinesOfManyWritersStayWhole) {
  PhaseLink link;
  constexpr int writers = 8, lines = 2000;
  std::vector<std::thread> threads;
  threads.reserve(writers);
  for (int w = 0; w < writers; ++w)
    threads.emplace_back([&link, w] {
      const Writer writer(link);
      const std::string name(10 + 20 * w, static_cast<char>('a' + w));
      for (int i = 0; i < lines; ++i)
        while (!writer.put("begin " + name + " tid=" + std::to_string(w + 1) + "\n")) std::this_thread::yield();
    });
  std::array<int, writers + 1> seen{};
  for (int total = 0; total < writers * lines;) {
    for (const PhaseMark& mark : link.take()) {
      ++seen.at(static_cast<std::size_t>(mark.tid));
      EXPECT_EQ(mark.phase, std::string(10 + 20 * (mark.tid - 1), static_cast<char>('a' + mark.tid - 1)));
      ++total;
    }
    std::this_thread::yield();
  }
  for (std::thread& t : threads) t.join();
  for (int w = 1; w <= writers; ++w) EXPECT_EQ(seen.at(static_cast<std::size_t>(w)), lines);
  EXPECT_EQ(link.lost(), 0U);
}

/// Lines made of pieces of the protocol, garbage between: every newline is either a mark or a lost line, names are
/// names, numbers are in range.
TEST(PhaseLink, NoInputBreaksIt) {
  std::mt19937 random(20);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  const std::vector<std::string> pieces{"begin ",
                                        "end ",
                                        "phase ",
                                        "train",
                                        "\"",
                                        "\\",
                                        "t=",
                                        "cpu=",
                                        "pid=",
                                        "tid=",
                                        "=",
                                        " ",
                                        "\t",
                                        "\n",
                                        "\n",
                                        "\r\n",
                                        "18446744073709551616",
                                        "-1",
                                        "0",
                                        "99999",
                                        std::string(1, '\0'),
                                        "\xc3\xa9",
                                        "\xff",
                                        "\xf0\x9f",
                                        "\x1b[0m"};
  PhaseLink link;
  const Writer writer(link);
  std::uint64_t newlines = 0, marks = 0;
  bool too_long = false;
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (std::size_t n = below(20); n > 0; --n) {
      if (below(50) == 0)
        for (std::size_t k = below(300); k > 0; --k) text += static_cast<char>(random());
      else
        text += pieces[below(pieces.size())];
    }
    if (below(2000) == 0) {
      text += std::string(9000, 'x');
      too_long = true;
    }
    if (below(3) == 0) text += "\nbegin train t=1\n";
    newlines += static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
    ASSERT_TRUE(writer.put(text));
    for (const PhaseMark& mark : link.take()) {
      ++marks;
      EXPECT_TRUE(is_phase_name(mark.phase) || (mark.phase.empty() && mark.kind != Kind::Begin));
      EXPECT_GE(mark.wall_ns, 0);
      EXPECT_LE(mark.wall_ns, now_ns());
      EXPECT_GE(mark.thread_cpu_ns, -1);
      EXPECT_GE(mark.pid, 0);
      EXPECT_GE(mark.tid, 0);
    }
  }
  if (!writer.put("\n")) FAIL();
  EXPECT_TRUE(link.take().size() <= 1);
  EXPECT_TRUE(too_long);
  EXPECT_GT(marks, 5000U);
  EXPECT_LE(marks, newlines + 1);
  EXPECT_GE(marks + link.lost(), newlines);
}

}  // namespace
}  // namespace haywatt::meter
