/// Programs side by side on one machine: what they are given adds up to the machine.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <random>
#include <thread>

#include "haywatt/meter/run_meter.hpp"
#include "meter/energy_source.hpp"
#include "meter/one_channel_sensor.hpp"
#include "meter/powercap_tree.hpp"

namespace haywatt::meter {
namespace {

constexpr double ns = 1e9;

const Figure& joules_of(const RunRecord& run, const std::string& share, const std::string& rule) {
  return test::figure_of(run.energy, share, rule).joules;
}

/// Trees that use all of a machine's busy time, each metered on the same readings.
TEST(SideBySide, TreesAndUnattributedAreTheMachine) {
  std::mt19937_64 random(11);
  std::uniform_real_distribution<double> some(0.0, 1.0);
  Machine machine;
  machine.id = "m";
  machine.logical_cpus = 8;
  machine.physical_cores = 4;
  machine.paired_cpus = 8;
  for (int trial = 0; trial < 100; ++trial) {
    constexpr std::size_t trees = 3;
    const std::size_t seconds = 2 + random() % 20;
    const double stranger = trial % 2 == 0 ? 0.0 : some(random);  // CPUs of programs that nobody meters
    std::array<Timeline, trees> timelines;
    std::vector<double> joules = {0.0};
    std::array<double, trees> cpu{};
    double busy = 0.0;
    for (std::size_t s = 0; s <= seconds; ++s) {
      for (std::size_t t = 0; t < trees; ++t)
        timelines[t].readings.push_back(
            {static_cast<std::int64_t>(s) * 1'000'000'000, static_cast<std::int64_t>(cpu[t] * ns), busy, true});
      if (s == seconds) break;
      double used = stranger;
      for (std::size_t t = 0; t < trees; ++t) {
        const double mine = std::floor(2e3 * some(random)) * 1e-3;
        timelines[t].slices.push_back({{1, ns, mine * ns}});
        cpu[t] += mine;
        used += mine;
      }
      busy += used;
      joules.push_back(joules.back() + 20.0 + 9.0 * used);
    }
    const std::vector<double> no_shares;
    const std::vector<IdleSecond> watched = {{20.0, 1.0, 0.0}, {20.2, 1.0, 0.0}, {19.8, 1.0, 0.0}};
    double sum_J = 0.0, machine_J = 0.0;
    for (std::size_t t = 0; t < trees; ++t) {
      const EnergySource source =
          sensor_source(test::package_counter(), 0, timelines[t], {joules, no_shares, watched, {}}, machine,
                        {"m", "run" + std::to_string(t), "x"});
      RunRecord run;
      add_figures(source, {}, run);
      machine_J = joules_of(run, "machine", "").value;
      const double mine_J = joules_of(run, "process-tree", "attributed").value;
      EXPECT_NEAR(mine_J + joules_of(run, "unattributed", "attributed").value, machine_J, 1e-6);
      sum_J += mine_J;
    }
    if (stranger == 0.0) {
      EXPECT_NEAR(sum_J, machine_J, 1e-5);
    } else {
      EXPECT_LT(sum_J, machine_J);
    }
  }
}

struct Told {
  double attributed_J, attributed_low_J, machine_J, rest_J, rest_high_J;
};

/// A program that meters itself while it computes; what it found out.
Told metered_child(int out) {
  RunMeter meter(describe_machine(), {20, "child-" + std::to_string(getpid())});
  RunRecord run;
  meter.start();
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(1'300);
  while (std::chrono::steady_clock::now() < end) {
  }
  meter.stop(run);
  const Figure &mine = joules_of(run, "process-tree", "attributed"),
               &rest = joules_of(run, "unattributed", "attributed");
  const Told told{mine.value, mine.low, joules_of(run, "machine", "").value, rest.value, rest.high};
  if (::write(out, &told, sizeof told) != static_cast<ssize_t>(sizeof told)) _exit(1);
  return told;
}

/// Two real processes on this machine, the counter of a recorded tree moved on meanwhile.
TEST(SideBySide, RealProcessesShareTheMachine) {
  const test::PowercapTree tree;
  tree.zone("intel-rapl:0", "package-0", 0);
  setenv("HAYWATT_SYSROOT", tree.root().c_str(), 1);
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  std::array<pid_t, 2> children{};
  for (pid_t& child : children) {
    child = fork();
    ASSERT_GE(child, 0);
    if (child != 0) continue;
    try {
      (void)metered_child(pipe[1]);
    } catch (const std::exception&) {
      _exit(1);
    }
    _exit(0);
  }
  std::atomic<bool> done{false};
  std::thread mover([&] {  // 50 W
    const auto start = std::chrono::steady_clock::now();
    while (!done) {
      const auto us = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start);
      tree.set("intel-rapl:0", static_cast<std::uint64_t>(50 * us.count()));
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  std::array<Told, 2> told{};
  for (const pid_t child : children) {
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  done = true;
  mover.join();
  unsetenv("HAYWATT_SYSROOT");
  for (Told& t : told) ASSERT_EQ(::read(pipe[0], &t, sizeof t), static_cast<ssize_t>(sizeof t));
  ::close(pipe[0]);
  ::close(pipe[1]);
  for (std::size_t i = 0; i < 2; ++i) {
    const Told &mine = told[i], &other = told[1 - i];
    EXPECT_GT(mine.attributed_J, 0.0);
    EXPECT_NEAR(mine.attributed_J + mine.rest_J, mine.machine_J, 1e-6);
    // The other program is part of what this one left over.
    EXPECT_LE(other.attributed_low_J, mine.rest_high_J);
  }
}

}  // namespace
}  // namespace haywatt::meter
