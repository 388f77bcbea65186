#include "meter/sensors/perf_energy.hpp"

#include <cerrno>
#include <cmath>
#include <map>

#include "meter/sensors/sensor_tree.hpp"

namespace haywatt::meter {
namespace {

using test::amd;
using test::fault;
using test::intel;
using test::joules;
using test::SensorTree;

const std::string pmu = "sys/bus/event_source/devices/power/";

class FakePerf final : public PerfInterface {
 public:
  int open(std::uint32_t type, std::uint64_t config, int cpu) noexcept override {
    if (type != 23) return -ENOENT;
    if (refuse != 0) return -refuse;
    open_handles[next] = {config, cpu};
    return next++;
  }
  int read(int handle, std::uint64_t& count) noexcept override {
    if (broken != 0) return broken;
    count = counts[open_handles.at(handle)];
    return 0;
  }
  void close(int handle) noexcept override { open_handles.erase(handle); }
  std::map<int, std::pair<std::uint64_t, int>> open_handles;
  std::map<std::pair<std::uint64_t, int>, std::uint64_t> counts;  ///< by event and CPU
  int refuse = 0, broken = 0, next = 3;
};

void event(const SensorTree& tree, const std::string& name, const std::string& code,
           const std::string& scale = "2.3283064365386962890625e-10", const std::string& unit = "Joules") {
  tree.write(pmu + "events/" + name, code + "\n");
  tree.write(pmu + "events/" + name + ".scale", scale + "\n");
  tree.write(pmu + "events/" + name + ".unit", unit + "\n");
}

void server(const SensorTree& tree) {
  tree.write(pmu + "type", "23\n");
  tree.write(pmu + "cpumask", "0,18\n");
  event(tree, "energy-cores", "event=0x01");
  event(tree, "energy-pkg", "event=0x02");
  event(tree, "energy-ram", "event=0x03");
}

TEST(PerfEnergy, NoPmuNoSensor) {
  const SensorTree tree;
  FakePerf perf;
  EXPECT_EQ(open_perf_energy(tree.root(), intel(), perf), nullptr);
  tree.write(pmu + "type", "23\n");
  EXPECT_EQ(open_perf_energy(tree.root(), intel(), perf), nullptr) << "no cpumask";
  tree.write(pmu + "cpumask", "0\n");
  EXPECT_EQ(open_perf_energy(tree.root(), intel(), perf), nullptr) << "no events";
  tree.write(pmu + "type", "-1\n");
  EXPECT_EQ(open_perf_energy(tree.root(), intel(), perf), nullptr);
}

TEST(PerfEnergy, SocketsAreAddedByTheScaleThatTheKernelGives) {
  const SensorTree tree;
  server(tree);
  event(tree, "energy-ram", "event=0x03", "1e-3");
  FakePerf perf;
  perf.counts[{2, 0}] = 1ULL << 40;
  perf.counts[{2, 18}] = 7;
  {
    const auto sensor = open_perf_energy(tree.root(), intel(), perf);
    ASSERT_NE(sensor, nullptr);
    EXPECT_EQ(sensor->name(), "perf-energy");
    EXPECT_EQ(sensor->channels().size(), 2U) << "cores lie inside the package";
    EXPECT_EQ(joules(*sensor, "package"), 0.0);
    perf.counts[{2, 0}] += 3ULL << 32;
    perf.counts[{2, 18}] += 1ULL << 31;
    perf.counts[{3, 0}] += 1000;
    perf.counts[{3, 18}] += 1;
    EXPECT_DOUBLE_EQ(joules(*sensor, "package"), 3.5);
    EXPECT_DOUBLE_EQ(joules(*sensor, "dram"), 1.001);
    EXPECT_EQ(fault(*sensor, "package"), "");
    EXPECT_EQ(fault(*sensor, "dram"), "");
    EXPECT_TRUE(sensor->remedies().empty());
    EXPECT_EQ(sensor->channels()[0].source, "perf event power/energy-pkg/");
  }
  EXPECT_TRUE(perf.open_handles.empty()) << "every counter is closed";
}

TEST(PerfEnergy, WithoutRightsItIsUnknownAndSaysWhatToDo) {
  const SensorTree tree;
  server(tree);
  FakePerf perf;
  perf.refuse = EACCES;
  const auto sensor = open_perf_energy(tree.root(), intel(), perf);
  ASSERT_NE(sensor, nullptr);
  EXPECT_TRUE(std::isnan(joules(*sensor, "package")));
  EXPECT_FALSE(sensor->readable(0));
  EXPECT_NE(fault(*sensor, "package").find("no permission"), std::string::npos);
  ASSERT_EQ(sensor->remedies().size(), 3U);
  EXPECT_NE(sensor->remedies()[0].find("cap_perfmon"), std::string::npos);
  EXPECT_NE(sensor->remedies()[1].find("perf_event_paranoid"), std::string::npos);
}

TEST(PerfEnergy, OneSocketThatStandsStillMakesTheSumUnknown) {
  const SensorTree tree;
  server(tree);
  FakePerf perf;
  const auto sensor = open_perf_energy(tree.root(), intel(), perf);
  (void)joules(*sensor, "package");
  perf.counts[{2, 0}] += 1000;
  (void)joules(*sensor, "package");
  EXPECT_EQ(fault(*sensor, "package"), "energy-pkg on CPU 18: the counter did not move");
}

TEST(PerfEnergy, FailureInMidRunStays) {
  const SensorTree tree;
  server(tree);
  FakePerf perf;
  const auto sensor = open_perf_energy(tree.root(), intel(), perf);
  (void)joules(*sensor, "package");
  perf.broken = ENODEV;
  EXPECT_TRUE(std::isnan(joules(*sensor, "package")));
  perf.broken = 0;
  EXPECT_TRUE(std::isnan(joules(*sensor, "package"))) << "what was missed cannot come back";
  EXPECT_NE(fault(*sensor, "package").find("No such device"), std::string::npos);
}

TEST(PerfEnergy, EventsThatItDoesNotUnderstandAreUnknown) {
  struct Case {
    const char *code, *scale, *unit, *told;
  };
  for (const Case& c :
       {Case{"config=2", "1e-9", "Joules", "event=0xN"}, Case{"event=0x", "1e-9", "Joules", "event=0xN"},
        Case{"event=0x02", "much", "Joules", ".scale"}, Case{"event=0x02", "0", "Joules", ".scale"},
        Case{"event=0x02", "inf", "Joules", ".scale"}, Case{"event=0x02", "1e-9", "Watts", "Watts"}}) {
    const SensorTree tree;
    tree.write(pmu + "type", "23\n");
    tree.write(pmu + "cpumask", "0\n");
    event(tree, "energy-pkg", c.code, c.scale, c.unit);
    FakePerf perf;
    const auto sensor = open_perf_energy(tree.root(), intel(), perf);
    ASSERT_NE(sensor, nullptr);
    EXPECT_TRUE(std::isnan(joules(*sensor, "package"))) << c.told;
    EXPECT_NE(fault(*sensor, "package").find(c.told), std::string::npos) << fault(*sensor, "package");
  }
}

/// Kernels 6.9 to 6.11 list a CPU of each core complex of an AMD package, which has one counter.
TEST(PerfEnergy, AmdCountsEachPackageOnce) {
  const SensorTree tree;
  server(tree);
  tree.write(pmu + "cpumask", "0,8,16,64\n");
  for (const auto& [cpu, package] : std::map<int, int>{{0, 0}, {8, 0}, {16, 0}, {64, 1}})
    tree.write("sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/physical_package_id",
               std::to_string(package) + "\n");
  FakePerf perf;
  const auto sensor = open_perf_energy(tree.root(), amd(), perf);
  (void)joules(*sensor, "package");
  for (const int cpu : {0, 8, 16, 64}) perf.counts[{2, cpu}] += 1ULL << 32;
  EXPECT_DOUBLE_EQ(joules(*sensor, "package"), 2.0);
}

TEST(PerfEnergy, PsysOfASecondSocketMayBeSilentButNotMove) {
  const SensorTree tree;
  server(tree);
  event(tree, "energy-psys", "event=0x05");
  FakePerf perf;
  const auto sensor = open_perf_energy(tree.root(), intel(), perf);
  (void)joules(*sensor, "psys");
  perf.counts[{5, 0}] += 5ULL << 32;
  EXPECT_DOUBLE_EQ(joules(*sensor, "psys"), 5.0);
  EXPECT_EQ(fault(*sensor, "psys"), "");
  perf.counts[{5, 18}] += 1;
  (void)joules(*sensor, "psys");
  EXPECT_NE(fault(*sensor, "psys"), "");
}

/// The real calls on an event that every Linux has: the clock of CPU 0.
TEST(PerfEnergy, TheRealCallsCountWherePermitted) {
  constexpr std::uint32_t software = 1;  // PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK
  const int handle = system_perf().open(software, 0, 0);
  if (handle < 0) GTEST_SKIP() << "not permitted here";
  std::uint64_t first = 0, second = 0;
  EXPECT_EQ(system_perf().read(handle, first), 0);
  while (second <= first) ASSERT_EQ(system_perf().read(handle, second), 0);
  system_perf().close(handle);
  EXPECT_NE(system_perf().read(handle, second), 0) << "it is closed";
}

/// The real call: whatever this machine permits, an event type that does not exist is an error and no crash.
TEST(PerfEnergy, TheRealCallTellsWhatIsMissing) {
  const int handle = system_perf().open(0x7ffffff0, 2, 0);
  EXPECT_LT(handle, 0);
}

}  // namespace
}  // namespace haywatt::meter
