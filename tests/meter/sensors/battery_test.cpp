#include "meter/sensors/battery.hpp"

#include <cmath>

#include "meter/sensors/sensor_tree.hpp"

namespace haywatt::meter {
namespace {

using test::FakeClock;
using test::fault;
using test::joules;
using test::SensorTree;

const std::string bat = "sys/class/power_supply/BAT0/";

void laptop(const SensorTree& tree, const std::string& status) {
  tree.write(bat + "type", "Battery\n");
  tree.write(bat + "status", status + "\n");
}

TEST(Battery, OnlyWhileItDischarges) {
  const SensorTree tree;
  EXPECT_EQ(open_battery(tree.root(), Machine{}), nullptr);
  laptop(tree, "Full");
  tree.write(bat + "power_now", 10'000'000U);
  EXPECT_EQ(open_battery(tree.root(), Machine{}), nullptr);
  tree.write(bat + "status", "Discharging\n");
  EXPECT_NE(open_battery(tree.root(), Machine{}), nullptr);
  tree.write(bat + "scope", "Device\n");
  EXPECT_EQ(open_battery(tree.root(), Machine{}), nullptr) << "a mouse";
}

TEST(Battery, AddsPowerUpOnceASecond) {
  const SensorTree tree;
  const FakeClock clock;
  laptop(tree, "Discharging");
  tree.write(bat + "power_now", 10'000'000U);
  const auto sensor = open_battery(tree.root(), Machine{}, clock);
  EXPECT_EQ(sensor->channels()[0].boundary, "node");
  EXPECT_TRUE(sensor->channels()[0].integrated_power);
  EXPECT_EQ(joules(*sensor, "node"), 0.0);
  clock.wait(0.5);
  tree.write(bat + "power_now", 20'000'000U);
  EXPECT_DOUBLE_EQ(joules(*sensor, "node"), 5.0);
  clock.wait(0.5);
  EXPECT_DOUBLE_EQ(joules(*sensor, "node"), 15.0);
  EXPECT_EQ(fault(*sensor, "node"), "");
}

TEST(Battery, CurrentTimesVoltageWithAMinusSign) {
  const SensorTree tree;
  const FakeClock clock;
  laptop(tree, "Discharging");
  tree.write(bat + "current_now", "-1500000\n");
  tree.write(bat + "voltage_now", 12'000'000U);
  const auto sensor = open_battery(tree.root(), Machine{}, clock);
  (void)joules(*sensor, "node");
  clock.wait(2.0);
  EXPECT_NEAR(joules(*sensor, "node"), 36.0, 1e-9);
}

TEST(Battery, PluggedInInMidRunItIsUnknown) {
  const SensorTree tree;
  const FakeClock clock;
  laptop(tree, "Discharging");
  tree.write(bat + "power_now", 10'000'000U);
  const auto sensor = open_battery(tree.root(), Machine{}, clock);
  (void)joules(*sensor, "node");
  clock.wait(1.0);
  tree.write(bat + "status", "Charging\n");
  EXPECT_TRUE(std::isnan(joules(*sensor, "node")));
  EXPECT_NE(fault(*sensor, "node").find("mains"), std::string::npos);
}

TEST(Battery, ZeroAndGarbageAreUnknown) {
  const SensorTree tree;
  const FakeClock clock;
  laptop(tree, "Discharging");
  tree.write(bat + "power_now", "0\n");
  const auto sensor = open_battery(tree.root(), Machine{}, clock);
  (void)joules(*sensor, "node");
  EXPECT_EQ(fault(*sensor, "node"), "the battery shows 0 W");
  clock.wait(1.0);
  tree.write(bat + "power_now", "?\n");
  EXPECT_TRUE(std::isnan(joules(*sensor, "node")));
  EXPECT_EQ(fault(*sensor, "node"), "power_now holds no number");
}

}  // namespace
}  // namespace haywatt::meter
