#include "haywatt/meter/run_meter.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstring>
#include <thread>

#include "haywatt/base/error.hpp"
#include "meter/powercap_tree.hpp"
#include "meter/process_files.hpp"

namespace haywatt::meter {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

void burn(milliseconds time) {
  const auto end = steady_clock::now() + time;
  while (steady_clock::now() < end) {
  }
}

class Metered : public ::testing::Test {
 protected:
  void SetUp() override { setenv("HAYWATT_SYSROOT", tree_.root().c_str(), 1); }
  void TearDown() override { unsetenv("HAYWATT_SYSROOT"); }
  test::PowercapTree tree_;  // empty: no sensors, whatever the machine has
  Machine machine_ = describe_machine();
};

void expect_phases_add_up(const RunRecord& run) {
  double wall = 0.0, cpu = 0.0;
  std::map<std::string, double> energy;
  std::map<std::string, bool> all_known;
  std::map<std::string, double> unknown_wall_s;
  for (const PhaseRecord& p : run.phases) {
    wall += p.wall_s;
    cpu += p.cpu_s;
    for (const EnergyFigure& e : p.energy) {
      const std::string key = e.sensor + e.boundary + e.rule;
      all_known.try_emplace(key, true);
      if (e.known) energy[key] += e.joules.value;
      if (!e.known) {  // too short for the counter
        all_known[key] = false;
        unknown_wall_s[key] += p.wall_s;
      }
    }
  }
  EXPECT_NEAR(wall, run.wall_s, 1e-6);
  EXPECT_NEAR(cpu, run.cpu_s, 1e-6);
  for (const EnergyFigure& e : run.energy) {
    if (!e.known || e.share != "process-tree") continue;
    const double sum = energy[e.sensor + e.boundary + e.rule], tiny = 1e-6 * std::fabs(e.joules.value) + 1e-9;
    if (all_known[e.sensor + e.boundary + e.rule]) {
      EXPECT_NEAR(sum, e.joules.value, tiny);
    } else if (e.rule == "attributed") {
      // Where the counter stood still in a phase, that phase's CPU time less its wall time bears idle power with a
      // minus sign: at most the power of the run over the time of the phases that are not shown.
      const double below_zero = e.joules.value / run.wall_s * unknown_wall_s[e.sensor + e.boundary + e.rule];
      EXPECT_LE(sum, e.joules.value + below_zero + tiny);
    }
  }
}

const EnergyFigure* figure(const RunRecord& run, const std::string& sensor, const std::string& boundary,
                           const std::string& share, const std::string& rule) {
  for (const EnergyFigure& e : run.energy)
    if (e.sensor == sensor && e.boundary == boundary && e.share == share && e.rule == rule) return &e;
  return nullptr;
}

TEST_F(Metered, EstimateStandsInWithoutSensors) {
  RunMeter meter(machine_, {20, "run-1"});
  RunRecord run;
  run.method = "zstd";
  meter.start();
  EXPECT_NE(span_listener(), nullptr);
  {
    const ScopedSpan span("encode");
    burn(milliseconds(120));
    const ScopedSpan inner("encode/model");
    burn(milliseconds(60));
  }
  meter.stop(run);
  EXPECT_EQ(span_listener(), nullptr);
  EXPECT_GE(run.wall_s, 0.18);
  EXPECT_GT(run.cpu_s, 0.0);
  EXPECT_GT(run.rss_start_B, 0U);
  EXPECT_GE(run.rss_peak_B, run.rss_start_B);
  EXPECT_GE(run.samples.size(), 2U);
  EXPECT_LE(run.sampler_cpu_s, run.cpu_s);
  ASSERT_NE(run.phase("encode"), nullptr);
  ASSERT_NE(run.phase("encode/model"), nullptr);
  EXPECT_GE(run.phase("encode")->wall_s, 0.11);
  EXPECT_GE(run.phase("encode/model")->wall_s, 0.05);
  EXPECT_EQ(run.phases.back().name, "other");
  EXPECT_FALSE(run.spans.empty());
  for (const SpanRecord& s : run.spans) EXPECT_LE(s.start_s, s.end_s);
  const EnergyFigure* e = figure(run, "estimate", "wall", "process-tree", "attributed");
  ASSERT_NE(e, nullptr);
  EXPECT_TRUE(e->known);
  EXPECT_GT(e->joules.value, 0.0);
  EXPECT_LT(e->joules.low, e->joules.value);
  expect_phases_add_up(run);
}

TEST_F(Metered, ManyThreadsAndManySpansAddUp) {
  RunMeter meter(machine_, {5, "run-1"});
  RunRecord run;
  meter.start();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([t] {
      for (int i = 0; i < 30'000; ++i) {
        const ScopedSpan outer(t % 2 == 0 ? "encode" : "write");
        const ScopedSpan inner("verify");
      }
    });
  for (auto& t : threads) t.join();
  meter.stop(run);
  EXPECT_LE(run.spans.size(), 2'000U);
  EXPECT_TRUE(std::none_of(run.warnings.begin(), run.warnings.end(),
                           [](const std::string& w) { return w.find("lost") != std::string::npos; }));
  expect_phases_add_up(run);
}

TEST_F(Metered, SpansLeftOpenAreCountedAndMayEndLater) {
  RunRecord run;
  RunMeter meter(machine_, {20, "r"});
  meter.start();
  auto span = std::make_unique<ScopedSpan>("train");
  burn(milliseconds(30));
  meter.stop(run);
  span.reset();
  EXPECT_GE(run.phase("train")->wall_s, 0.025);
  expect_phases_add_up(run);
}

TEST_F(Metered, MisuseIsToldApart) {
  RunRecord run;
  RunMeter meter(machine_, {20, "r"});
  EXPECT_THROW(meter.stop(run), Error);
  meter.start();
  EXPECT_THROW(meter.start(), Error);
  meter.stop(run);
  EXPECT_THROW(meter.stop(run), Error);
  EXPECT_THROW(meter.start(), Error);
  {
    RunMeter abandoned(machine_, {20, "r"});
    abandoned.start();
  }
  EXPECT_EQ(span_listener(), nullptr);
}

TEST_F(Metered, ShortPeaksOfMemoryAreSeen) {
  if (!reset_peak_resident()) GTEST_SKIP() << "the kernel does not let the mark be reset";
  RunRecord run;
  RunMeter meter(machine_, {10'000, "r"});  // the sampler sleeps through it
  meter.start();
  constexpr std::size_t size = 64 << 20;
  void* block = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(block, MAP_FAILED);
  std::memset(block, 1, size);
  munmap(block, size);
  meter.stop(run);
  EXPECT_GE(run.rss_peak_B, run.rss_start_B + size * 9 / 10);
}

TEST_F(Metered, BytesMovedAreCounted) {
  RunRecord run;
  RunMeter meter(machine_, {20, "r"});
  const std::string path = tree_.root() + "/bytes";
  meter.start();
  std::ofstream(path) << std::string(1 << 20, 'x') << std::flush;
  meter.stop(run);
  EXPECT_GE(run.written_B, 1U << 20);
  EXPECT_LT(run.written_B, 3U << 20);
}

TEST_F(Metered, RaplIsReadThroughAWrap) {
  tree_.zone("intel-rapl:0", "package-0", 262'143'000'000);
  tree_.zone("intel-rapl:0:0", "dram", 0);
  tree_.zone("intel-rapl:1", "package-1", 10);
  RunRecord run;
  RunMeter meter(machine_, {20, "run-1"});
  meter.start();
  {
    const ScopedSpan span("encode");
    burn(milliseconds(40));
    tree_.set("intel-rapl:0", 671'150);  // 0.32885 J to the wrap and 0.67115 J more
    tree_.set("intel-rapl:1", 1'000'010);
    tree_.set("intel-rapl:0:0", 250'000);
  }
  {
    const ScopedSpan span("write");
    burn(milliseconds(40));
    tree_.set("intel-rapl:0", 1'671'150);
  }
  meter.stop(run);
  const EnergyFigure* machine = figure(run, "rapl-powercap", "package", "machine", "");
  ASSERT_NE(machine, nullptr);
  EXPECT_NEAR(machine->joules.value, 3.0, 1e-9);
  EXPECT_NEAR(figure(run, "rapl-powercap", "dram", "machine", "")->joules.value, 0.25, 1e-9);
  EXPECT_EQ(figure(run, "estimate", "wall", "process-tree", "attributed"), nullptr) << "sensors come first";
  const EnergyFigure* attributed = figure(run, "rapl-powercap", "package", "process-tree", "attributed");
  const EnergyFigure* marginal = figure(run, "rapl-powercap", "package", "process-tree", "marginal");
  ASSERT_NE(attributed, nullptr);
  EXPECT_TRUE(attributed->known);
  EXPECT_GT(attributed->joules.value, 0.0);
  EXPECT_LE(attributed->joules.value, 3.0 + 1e-9);
  EXPECT_LE(marginal->joules.value, attributed->joules.value + 1e-9);
  EXPECT_NE(attributed->note.find("idle power guessed"), std::string::npos);
  expect_phases_add_up(run);
}

TEST_F(Metered, UnmovingRaplIsUnknownNeverZero) {
  tree_.zone("intel-rapl:0", "package-0", 123);
  RunRecord run;
  RunMeter meter(machine_, {20, "run-1"});
  meter.start();
  burn(milliseconds(30));
  meter.stop(run);
  const EnergyFigure* e = figure(run, "rapl-powercap", "package", "machine", "");
  ASSERT_NE(e, nullptr);
  EXPECT_FALSE(e->known);
  EXPECT_NE(e->note.find("did not move"), std::string::npos);
  EXPECT_NE(figure(run, "estimate", "wall", "process-tree", "attributed"), nullptr) << "the estimate stands in";
  EXPECT_FALSE(run.warnings.empty());
  expect_phases_add_up(run);
}

TEST(ProcessFiles, TextsOfTheKernel) {
  EXPECT_EQ(resident_B("100 25 3 4 0 5 0\n"), 25ULL * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)));
  EXPECT_EQ(resident_B(""), std::nullopt);
  EXPECT_EQ(resident_B("x y"), std::nullopt);
  const auto io = io_counts("rchar: 10\nwchar: 20\nsyscr: 1\n");
  ASSERT_TRUE(io.has_value());
  EXPECT_EQ(io->read_B, 10U);
  EXPECT_EQ(io->written_B, 20U);
  EXPECT_FALSE(io_counts("wchar: 20\n").has_value());
  EXPECT_EQ(peak_resident_B("Name:\tx\nVmHWM:\t  12 kB\n"), 12U * 1024U);
  EXPECT_EQ(peak_resident_B("Name:\tVmHWM: 5\n"), std::nullopt);
  // user nice system idle iowait irq softirq steal guest: idle, iowait, steal are not busy; guest is inside user.
  EXPECT_EQ(machine_busy_s("cpu  100 10 50 9999 77 3 2 55 100 0\ncpu0 1\n", 100), 1.65);
  EXPECT_EQ(machine_busy_s("cpu  100 10 50\n", 100), std::nullopt);
  EXPECT_EQ(machine_busy_s("", 100), std::nullopt);
}

TEST(ProcessFiles, ClockOfAnotherThread) {
  std::atomic<std::int32_t> tid{0};
  std::atomic<bool> go_on{true};
  std::thread other([&] {
    burn(milliseconds(20));
    tid = this_tid();
    while (go_on) std::this_thread::sleep_for(milliseconds(1));
  });
  while (tid == 0) std::this_thread::sleep_for(milliseconds(1));
  const auto used = thread_cpu_ns(tid);
  ASSERT_TRUE(used.has_value());
  EXPECT_GT(*used, 1'000'000);
  go_on = false;
  other.join();
  // join returns when the thread has run its last line; the kernel takes it apart a little later.
  for (int i = 0; i < 10'000 && thread_cpu_ns(tid); ++i) std::this_thread::sleep_for(milliseconds(1));
  EXPECT_FALSE(thread_cpu_ns(tid).has_value());
}

}  // namespace
}  // namespace haywatt::meter
