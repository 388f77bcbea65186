#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <fstream>

#include "meter/process_files.hpp"
#include "meter/tree/control_group.hpp"
#include "meter/tree/live_line.hpp"
#include "meter/tree/live_tree.hpp"
#include "meter/tree/sample_series.hpp"

namespace haywatt::meter {
namespace {

TEST(ProcessStat, TakesAnyName) {
  const auto p = process_stat(
      "42 (a) b (c) R 7 42 42 34816 42 4194304 90 0 0 0 11 12 13 14 20 0 5 0 987654 1000 33 18446744073709551615 0");
  ASSERT_TRUE(p);
  EXPECT_EQ(p->name, "a) b (c");
  EXPECT_EQ(p->state, 'R');
  EXPECT_EQ(p->parent, 7);
  EXPECT_EQ(p->own_ticks, 23U);
  EXPECT_EQ(p->children_ticks, 27U);
  EXPECT_EQ(p->threads, 5U);
  EXPECT_EQ(p->start_ticks, 987654U);
  EXPECT_EQ(p->resident_pages, 33U);
}

TEST(ProcessStat, ATextCutOffAnywhereIsRefusedOrRead) {
  const std::string whole = "42 (x) S -1 42 42 -1 42 4194304 90 0 0 0 11 12 13 14 20 -5 5 0 987654 1000 33 1\n";
  for (std::size_t n = 0; n < whole.size(); ++n) {
    const auto p = process_stat(std::string_view(whole).substr(0, n));
    EXPECT_TRUE(!p || p->start_ticks == 987654U) << n;
  }
  EXPECT_FALSE(process_stat(""));
  EXPECT_FALSE(process_stat(") ("));
}

TEST(ProcessFiles, IgnoredSignalsAndStolenTime) {
  EXPECT_EQ(ignored_signals("Name:\tx\nSigBlk:\t00\nSigIgn:\t0000000000010000\nSigCgt:\t1\n"), 0x10000U);
  EXPECT_FALSE(ignored_signals("Name:\tSigIgn:\t1\n"));
  EXPECT_EQ(stolen_s("cpu  1 2 3 4 5 6 7 800 9 10\n", 100), 8.0);
  EXPECT_FALSE(stolen_s("cpu  1 2 3\n", 100));
}

TEST(ControlGroup, FolderOfTheProcess) {
  const char* hybrid =
      "30 23 0:26 / /sys/fs/cgroup/unified rw shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
      "33 23 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n";
  const char* groups = "4:cpu,cpuacct:/user.slice\n1:name=systemd:/x\n0::/user.slice/a:b\n";
  EXPECT_EQ(group_folder(hybrid, groups, ""), "/sys/fs/cgroup/unified/user.slice/a:b");
  EXPECT_EQ(group_folder(hybrid, groups, "cpuacct"), "/sys/fs/cgroup/cpu,cpuacct/user.slice");
  EXPECT_EQ(group_folder(hybrid, groups, "memory"), "");
  EXPECT_EQ(group_folder("", groups, ""), "");
  // In a container the mount shows a part of the hierarchy.
  const char* container = "40 23 0:26 /docker/abc /sys/fs/cg\\040roup ro - cgroup2 cgroup rw\n";
  EXPECT_EQ(group_folder(container, "0::/docker/abc/inner\n", ""), "/sys/fs/cg roup/inner");
  EXPECT_EQ(group_folder(container, "0::/docker/abcd\n", ""), "");
  EXPECT_EQ(group_folder("30 23 0:26 / /c rw - cgroup2 c rw\n", "0::/\n", ""), "/c");
}

TEST(LiveTree, FindsAndForgetsAChild) {
  LiveTree tree(0, "");
  std::array<int, 2> gate{};
  ASSERT_EQ(::pipe(gate.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(gate[1]);
    char c = 0;
    (void)!::read(gate[0], &c, 1);
    ::_exit(0);
  }
  ::close(gate[0]);
  const TreeSums& sums = tree.look(1'000'000'000, true);
  EXPECT_EQ(sums.processes, 1U);
  EXPECT_EQ(sums.threads, 1U);
  EXPECT_GT(sums.rss_B, 0U);
  EXPECT_TRUE(tree.descends(child));
  EXPECT_FALSE(tree.descends(1));
  EXPECT_EQ(tree.pids(), std::vector<pid_t>{child});
  ::close(gate[1]);
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
  tree.ended(child, 2'000'000'000);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_EQ(tree.look(3'000'000'000, true).processes, 0U);
  const auto all = tree.processes(3'000'000'000);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].pid, child);
  EXPECT_EQ(all[0].parent, ::getpid());
  EXPECT_EQ(all[0].start_s, 1.0);
  EXPECT_EQ(all[0].end_s, 2.0);
  EXPECT_EQ(tree.seen(), 1U);
}

/// Where a group counts CPU time, an old process is read briefly between thorough looks.
TEST(LiveTree, ABriefLookSeesMemoryAndCpuTimeAndAThoroughOneTheRest) {
  const std::string list = testing::TempDir() + "haywatt-live-tree-pids";
  std::array<int, 2> to{}, from{};
  ASSERT_EQ(::pipe(to.data()), 0);
  ASSERT_EQ(::pipe(from.data()), 0);
  constexpr std::size_t large_B = 32U << 20;
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(to[1]);
    char c = 0;
    while (::read(to[0], &c, 1) == 1) {
      if (c == 'm') {
        auto* const memory = static_cast<char*>(std::malloc(large_B));
        for (std::size_t i = 0; i < large_B; i += 4096) memory[i] = 1;
        asm volatile("" : : "r"(memory) : "memory");
        const int null = ::open("/dev/null", O_WRONLY);
        (void)!::write(null, memory, 12'345);
      }
      (void)!::write(from[1], &c, 1);
    }
    ::_exit(0);
  }
  ::close(to[0]);
  { std::ofstream(list) << child << "\n"; }
  LiveTree tree(0, list, true);
  constexpr std::int64_t second = 1'000'000'000;
  const TreeSums first = tree.look(1 * second, true);
  ASSERT_EQ(first.processes, 1U);
  char c = 'm';
  ASSERT_EQ(::write(to[1], &c, 1), 1);
  ASSERT_EQ(::read(from[0], &c, 1), 1);
  const TreeSums young = tree.look(1 * second + second / 2, false);
  EXPECT_GE(young.rss_B, first.rss_B + large_B - (1U << 20));
  EXPECT_GE(young.written_B, first.written_B + 12'345);
  ASSERT_EQ(::write(to[1], &c, 1), 1);
  ASSERT_EQ(::read(from[0], &c, 1), 1);
  const TreeSums brief = tree.look(3 * second, false);
  EXPECT_EQ(brief.processes, 1U);
  EXPECT_GE(brief.rss_B, young.rss_B + large_B - (1U << 20));
  EXPECT_EQ(brief.written_B, young.written_B);
  EXPECT_EQ(brief.threads, 1U);
  EXPECT_GT(brief.cpu_ns, young.cpu_ns);
  const TreeSums thorough = tree.look(4 * second, true);
  EXPECT_GE(thorough.written_B, young.written_B + 12'345);
  ::close(to[1]);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_EQ(tree.look(5 * second, false).processes, 0U);
  ::close(from[0]);
  ::close(from[1]);
  std::remove(list.c_str());
}

/// The list is read again only when the group used time that nobody known has on his clock.
TEST(LiveTree, ANewcomerIsFoundByTheTimeItUses) {
  const std::string list = testing::TempDir() + "haywatt-live-tree-newcomer";
  const auto waits = [] {
    const pid_t child = ::fork();
    if (child == 0) {
      ::pause();
      ::_exit(0);
    }
    return child;
  };
  const pid_t first = waits(), second = waits();
  { std::ofstream(list) << first << "\n" << second << "\n"; }
  LiveTree tree(0, list, true);
  constexpr std::int64_t s = 1'000'000'000, ms = 1'000'000;
  ASSERT_EQ(tree.look(2 * s, true, 0).processes, 2U);
  const pid_t newcomer = waits();
  { std::ofstream(list, std::ios::app) << newcomer << "\n"; }
  EXPECT_EQ(tree.look(2 * s + 100 * ms, false, ms / 2).processes, 2U);
  EXPECT_EQ(tree.look(2 * s + 200 * ms, false, 5 * ms).processes, 3U);
  // An idle one waits for the thorough look.
  const pid_t idle = waits();
  { std::ofstream(list, std::ios::app) << idle << "\n"; }
  EXPECT_EQ(tree.look(2 * s + 300 * ms, false, 5 * ms).processes, 3U);
  EXPECT_EQ(tree.look(3 * s, true, 5 * ms).processes, 4U);
  for (const pid_t pid : {first, second, newcomer, idle}) {
    ::kill(pid, SIGKILL);
    ASSERT_EQ(::waitpid(pid, nullptr, 0), pid);
  }
  std::remove(list.c_str());
}

TEST(SampleSeries, KeepsTheWholeRunInBoundedMemory) {
  SampleSeries series;
  constexpr int count = 100'000;
  for (int i = 0; i < count; ++i) {
    SampleRecord s;
    s.t_s = i;
    series.add(s);
  }
  const auto kept = series.take();
  ASSERT_LE(kept.size(), 2'000U);
  ASSERT_GE(kept.size(), 1'000U);
  EXPECT_EQ(kept.front().t_s, 0.0);
  EXPECT_GT(kept.back().t_s, count * 0.95);
  for (std::size_t i = 2; i < kept.size(); ++i) EXPECT_EQ(kept[i].t_s - kept[i - 1].t_s, kept[1].t_s - kept[0].t_s);
}

TEST(LiveText, FitsTheTerminal) {
  const LiveState state{75.2, 0.0, 123'000'000, "train/époque"};
  EXPECT_EQ(live_text(state, 1.5, 12.0, 3.0, 200), "1:15  CPU 150 %  123 MB  3.00 W  12.0 J  train/époque");
  EXPECT_EQ(live_text(state, 1.5, 0.0, 0.0, 200), "1:15  CPU 150 %  123 MB  train/époque");
  EXPECT_EQ(live_text(state, 1.5, 0.0, 0.0, 4), "1:15");
  const std::string cut = live_text(state, 1.5, 0.0, 0.0, 32);
  EXPECT_EQ(cut, "1:15  CPU 150 %  123 MB  train/é");
}

}  // namespace
}  // namespace haywatt::meter
