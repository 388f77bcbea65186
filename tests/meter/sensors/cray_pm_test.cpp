#include "meter/sensors/cray_pm.hpp"

#include <cmath>

#include "meter/sensors/sensor_tree.hpp"

namespace haywatt::meter {
namespace {

using test::FakeClock;
using test::fault;
using test::joules;
using test::SensorTree;

const std::string pm = "sys/cray/pm_counters/";

void energy(const SensorTree& tree, const std::string& name, std::uint64_t joule) {
  // Fixed width, as a reader must never see half a number.
  char text[64];
  std::snprintf(text, sizeof text, "%012llu J 1591970000123456 us\n", static_cast<unsigned long long>(joule));
  tree.write(pm + name, text);
}

void node(const SensorTree& tree) {
  tree.write(pm + "freshness", "1000\n");
  tree.write(pm + "raw_scan_hz", "10\n");
  tree.write(pm + "power", "400 W\n");
  for (const char* name : {"energy", "cpu_energy", "memory_energy", "accel0_energy", "accel1_energy"})
    energy(tree, name, 1000);
}

TEST(CrayPm, NoFilesNoSensor) {
  const SensorTree tree;
  EXPECT_EQ(open_cray_pm(tree.root(), Machine{}), nullptr);
}

TEST(CrayPm, NodePackageMemoryAndBoards) {
  const SensorTree tree;
  node(tree);
  const auto sensor = open_cray_pm(tree.root(), Machine{});
  ASSERT_NE(sensor, nullptr);
  EXPECT_EQ(sensor->name(), "cray-pm");
  ASSERT_EQ(sensor->channels().size(), 4U);
  EXPECT_DOUBLE_EQ(sensor->channels()[0].update_period_s, 0.1);
  EXPECT_DOUBLE_EQ(sensor->channels()[0].resolution_J, 1.0);
  EXPECT_EQ(joules(*sensor, "node"), 0.0);
  tree.write(pm + "freshness", "1001\n");
  energy(tree, "energy", 1500);
  energy(tree, "cpu_energy", 1100);
  energy(tree, "memory_energy", 1020);
  energy(tree, "accel0_energy", 1150);
  energy(tree, "accel1_energy", 1151);
  EXPECT_DOUBLE_EQ(joules(*sensor, "node"), 500.0);
  EXPECT_DOUBLE_EQ(joules(*sensor, "package"), 100.0);
  EXPECT_DOUBLE_EQ(joules(*sensor, "dram"), 20.0);
  EXPECT_DOUBLE_EQ(joules(*sensor, "board"), 301.0);
  for (const char* boundary : {"node", "package", "dram", "board"}) EXPECT_EQ(fault(*sensor, boundary), "");
}

TEST(CrayPm, StandingStillGoingBackAndGarbageAreUnknown) {
  const SensorTree tree;
  node(tree);
  const auto sensor = open_cray_pm(tree.root(), Machine{});
  (void)joules(*sensor, "node");
  energy(tree, "energy", 900);
  tree.write(pm + "memory_energy", "not available\n");
  EXPECT_TRUE(std::isnan(joules(*sensor, "node")));
  EXPECT_TRUE(std::isnan(joules(*sensor, "dram")));
  EXPECT_NE(fault(*sensor, "node").find("it was reset"), std::string::npos);
  EXPECT_NE(fault(*sensor, "dram").find("no number"), std::string::npos);
  EXPECT_EQ(fault(*sensor, "package"), "cpu_energy: the counter did not move");
  energy(tree, "memory_energy", 2000);
  EXPECT_TRUE(std::isnan(joules(*sensor, "dram"))) << "it stays unknown";
  EXPECT_NE(fault(*sensor, "dram"), "");
}

/// Freshness moves during the first two readings.
TEST(CrayPm, ReadsAgainWhenTheCountersWereRenewedInBetween) {
  std::uint64_t fresh = 7;
  int readings = 0;
  EXPECT_TRUE(read_of_one_moment([&] { return std::optional(fresh); },
                                 [&] {
                                   if (++readings <= 2) ++fresh;
                                 }));
  EXPECT_EQ(readings, 3);
  readings = 0;
  EXPECT_FALSE(read_of_one_moment([&] { return std::optional(++fresh); }, [&] { ++readings; })) << "it does not hang";
  EXPECT_EQ(readings, 5);
  EXPECT_TRUE(read_of_one_moment([] { return std::optional<std::uint64_t>(); }, [] {})) << "there is no such file";
}

}  // namespace
}  // namespace haywatt::meter
