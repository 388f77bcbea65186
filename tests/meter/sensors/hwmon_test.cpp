#include "meter/sensors/hwmon.hpp"

#include <cmath>

#include "meter/sensors/sensor_tree.hpp"

namespace haywatt::meter {
namespace {

using test::amd;
using test::FakeClock;
using test::fault;
using test::intel;
using test::joules;
using test::SensorTree;

/// An ACPI power meter as Linux shows it: files at the device, or (newer) at the hwmon folder.
void acpi(const SensorTree& tree, const std::string& folder, const std::string& label, std::uint64_t power_uW,
          std::uint64_t interval_ms = 1000) {
  const std::string hwmon = "sys/class/hwmon/" + folder;
  tree.write(hwmon.substr(0, hwmon.find("/device")) + "/name", "power_meter\n");
  if (!label.empty()) tree.write(hwmon + "/power1_oem_info", label + "\n");
  tree.write(hwmon + "/power1_average", power_uW);
  tree.write(hwmon + "/power1_average_interval", interval_ms);
  tree.write(hwmon + "/power1_is_battery", "0\n");
}

void set(const SensorTree& tree, const std::string& folder, std::uint64_t power_uW) {
  tree.write("sys/class/hwmon/" + folder + "/power1_average", power_uW);
}

TEST(Hwmon, NothingOfEnergyNoSensor) {
  const SensorTree tree;
  EXPECT_EQ(open_hwmon(tree.root(), intel()), nullptr);
  tree.write("sys/class/hwmon/hwmon0/name", "coretemp\n");
  tree.write("sys/class/hwmon/hwmon0/temp1_input", "40000\n");
  tree.write("sys/class/hwmon/hwmon1/name", "power_meter\n");
  EXPECT_EQ(open_hwmon(tree.root(), intel()), nullptr) << "a meter without a reading";
}

TEST(Hwmon, OneAcpiMeterIsTheNodeAndIsAddedUp) {
  const SensorTree tree;
  const FakeClock clock;
  acpi(tree, "hwmon2/device", "", 300'000'000, 4000);
  const auto sensor = open_hwmon(tree.root(), intel(), clock);
  ASSERT_NE(sensor, nullptr);
  ASSERT_EQ(sensor->channels().size(), 1U);
  const SensorChannel& c = sensor->channels()[0];
  EXPECT_EQ(c.boundary, "node");
  EXPECT_TRUE(c.integrated_power);
  EXPECT_DOUBLE_EQ(c.update_period_s, 4.0);
  EXPECT_EQ(joules(*sensor, "node"), 0.0);
  clock.wait(1.0);
  set(tree, "hwmon2/device", 500'000'000);
  EXPECT_DOUBLE_EQ(joules(*sensor, "node"), 400.0);
  clock.wait(2.0);
  EXPECT_DOUBLE_EQ(joules(*sensor, "node"), 1400.0);
  EXPECT_EQ(fault(*sensor, "node"), "");
}

TEST(Hwmon, BetweenSamplesThePowerGoesOn) {
  const SensorTree tree;
  const FakeClock clock;
  acpi(tree, "hwmon0", "", 100'000'000);
  const auto sensor = open_hwmon(tree.root(), intel(), clock);
  (void)joules(*sensor, "node");
  clock.wait(0.01);
  set(tree, "hwmon0", 900'000'000);
  EXPECT_NEAR(joules(*sensor, "node"), 1.0, 1e-9) << "not asked again within 50 ms";
  clock.wait(0.09);
  EXPECT_NEAR(joules(*sensor, "node"), 50.0, 1e-9);
}

TEST(Hwmon, SeveralAcpiMetersOfUnknownNestingAreUnknown) {
  const SensorTree tree;
  acpi(tree, "hwmon0", "", 100'000'000);
  acpi(tree, "hwmon1", "", 90'000'000);
  const auto sensor = open_hwmon(tree.root(), intel());
  EXPECT_TRUE(std::isnan(joules(*sensor, "node")));
  EXPECT_NE(fault(*sensor, "node"), "");
}

TEST(Hwmon, AMeterThatShowsNothingIsUnknown) {
  const SensorTree tree;
  acpi(tree, "hwmon0", "", 0);
  const auto sensor = open_hwmon(tree.root(), intel());
  (void)joules(*sensor, "node");
  EXPECT_EQ(fault(*sensor, "node"), "power meter: it shows 0 W");
}

TEST(Hwmon, MeterThatVanishesInMidRunStaysUnknown) {
  const SensorTree tree;
  const FakeClock clock;
  acpi(tree, "hwmon0", "", 100'000'000);
  const auto sensor = open_hwmon(tree.root(), intel(), clock);
  (void)joules(*sensor, "node");
  clock.wait(1.0);
  tree.write("sys/class/hwmon/hwmon0/power1_average", "");
  EXPECT_TRUE(std::isnan(joules(*sensor, "node")));
  clock.wait(1.0);
  set(tree, "hwmon0", 100'000'000);
  EXPECT_TRUE(std::isnan(joules(*sensor, "node")));
  EXPECT_NE(fault(*sensor, "node"), "");
}

TEST(Hwmon, ABatteryMeterIsNoNode) {
  const SensorTree tree;
  acpi(tree, "hwmon0", "", 100'000'000);
  tree.write("sys/class/hwmon/hwmon0/power1_is_battery", "1\n");
  EXPECT_EQ(open_hwmon(tree.root(), intel()), nullptr);
}

/// A GH200 with two sockets: Module > Grace > CPU, SysIO. No sum holds a meter and one inside it.
TEST(Hwmon, GraceHopperParentsAndChildrenStayApart) {
  const SensorTree tree;
  const FakeClock clock;
  int n = 0;
  for (const char* socket : {"0", "1"})
    for (const auto& [rail, watts] : {std::pair{"Module", 700}, {"Grace", 200}, {"CPU", 90}, {"SysIO", 40}})
      acpi(tree, "hwmon" + std::to_string(n++) + "/device", std::string(rail) + " Power Socket " + socket,
           static_cast<std::uint64_t>(watts) * 1'000'000, 50);
  const auto sensor = open_hwmon(tree.root(), Machine{}, clock);
  ASSERT_EQ(sensor->channels().size(), 2U);
  EXPECT_DOUBLE_EQ(sensor->channels()[0].update_period_s, 0.05);
  (void)joules(*sensor, "package");
  clock.wait(1.0);
  EXPECT_NEAR(joules(*sensor, "package"), 2 * 130.0, 1e-9);
  EXPECT_NEAR(joules(*sensor, "psys"), 2 * 700.0, 1e-9);
  EXPECT_NE(sensor->channels()[0].source.find("CPU + SysIO"), std::string::npos);
  EXPECT_NE(sensor->channels()[1].source.find("Module"), std::string::npos);
}

TEST(Hwmon, GraceWithoutAModuleHasItsSocketAsPlatform) {
  const SensorTree tree;
  const FakeClock clock;
  acpi(tree, "hwmon0/device", "Grace Power Socket 0", 200'000'000, 50);
  acpi(tree, "hwmon1/device", "CPU Power Socket 0", 90'000'000, 50);
  const auto sensor = open_hwmon(tree.root(), Machine{}, clock);
  ASSERT_EQ(sensor->channels().size(), 1U) << "a CPU rail without its SysIO is no package";
  (void)joules(*sensor, "psys");
  clock.wait(2.0);
  EXPECT_NEAR(joules(*sensor, "psys"), 400.0, 1e-9);
}

TEST(Hwmon, AmdEnergyAddsSocketsAndNoCores) {
  const SensorTree tree;
  const FakeClock clock;
  const std::string hwmon = "sys/class/hwmon/hwmon0/";
  tree.write(hwmon + "name", "amd_energy\n");
  for (const auto& [index, label] : {std::pair{1, "Ecore000"}, {2, "Ecore001"}, {3, "Esocket0"}, {4, "Esocket1"}}) {
    tree.write(hwmon + "energy" + std::to_string(index) + "_label", std::string(label) + "\n");
    tree.write(hwmon + "energy" + std::to_string(index) + "_input", 1'000'000U);
  }
  const auto sensor = open_hwmon(tree.root(), amd(), clock);
  ASSERT_EQ(sensor->channels().size(), 1U);
  EXPECT_EQ(sensor->channels()[0].counter, "rapl") << "powercap and perf show the same";
  EXPECT_FALSE(sensor->channels()[0].integrated_power);
  (void)joules(*sensor, "package");
  for (const int index : {1, 2, 3, 4})
    tree.write(hwmon + "energy" + std::to_string(index) + "_input", 1'000'000U * static_cast<unsigned>(index));
  clock.wait(1.0);
  EXPECT_NEAR(joules(*sensor, "package"), 2.0 + 3.0, 1e-9);
  EXPECT_EQ(fault(*sensor, "package"), "");
  EXPECT_TRUE(sensor->remedies().empty());
}

TEST(Hwmon, AmdEnergyWithoutPermissionSaysWhatToDo) {
  const SensorTree tree;
  const std::string hwmon = "sys/class/hwmon/hwmon0/";
  tree.write(hwmon + "name", "amd_energy\n");
  tree.write(hwmon + "energy3_label", "Esocket0\n");
  const auto sensor = open_hwmon(tree.root(), amd());
  ASSERT_NE(sensor, nullptr) << "its counter cannot be opened";
  EXPECT_FALSE(sensor->readable(0));
  EXPECT_TRUE(std::isnan(joules(*sensor, "package")));
  EXPECT_EQ(sensor->remedies().size(), 3U);
}

TEST(Hwmon, AmdgpuBoardsAreAddedAndTheGraphicsPartOfACpuIsNot) {
  const SensorTree tree;
  const FakeClock clock;
  for (const char* n : {"0", "1", "2"}) tree.write(std::string("sys/class/hwmon/hwmon") + n + "/name", "amdgpu\n");
  tree.write("sys/class/hwmon/hwmon0/power1_average", 200'000'000U);
  tree.write("sys/class/hwmon/hwmon0/power1_cap", 300'000'000U);
  tree.write("sys/class/hwmon/hwmon1/power1_input", 50'000'000U);
  tree.write("sys/class/hwmon/hwmon1/power1_cap", 300'000'000U);
  tree.write("sys/class/hwmon/hwmon2/power1_input", 15'000'000U);
  const auto sensor = open_hwmon(tree.root(), amd(), clock);
  ASSERT_EQ(sensor->channels().size(), 1U);
  (void)joules(*sensor, "board");
  clock.wait(1.0);
  EXPECT_NEAR(joules(*sensor, "board"), 250.0, 1e-9);
}

}  // namespace
}  // namespace haywatt::meter
