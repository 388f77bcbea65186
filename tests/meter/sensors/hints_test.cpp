#include "meter/sensors/hints.hpp"

#include "meter/sensors/battery.hpp"
#include "meter/sensors/powercap.hpp"
#include "meter/sensors/sensor_tree.hpp"

namespace haywatt::meter {
namespace {

using test::intel;
using test::SensorTree;

std::vector<std::string> commands(const SensorTree& tree, const Machine& machine, const EnergySensors& found = {}) {
  std::vector<std::string> all;
  for (const SensorHint& h : sensor_hints(tree.root(), machine, found)) {
    EXPECT_FALSE(h.what.empty());
    all.push_back(h.commands.empty() ? "" : h.commands.front());
  }
  return all;
}

using Strings = std::vector<std::string>;

TEST(Hints, DriversOfRaplOnlyOnBareMetalAndOnlyWhereNothingIsFound) {
  const SensorTree tree;
  EXPECT_EQ(commands(tree, intel()), Strings{"modprobe -a intel_rapl_msr rapl"});
  Machine guest = intel(), arm;
  guest.virtual_machine = true;
  EXPECT_TRUE(commands(tree, guest).empty());
  EXPECT_TRUE(commands(tree, arm).empty());
  tree.write("sys/class/powercap/intel-rapl:0/name", "package-0\n");
  EnergySensors found;
  found.push_back(open_powercap(tree.root(), intel()));
  EXPECT_TRUE(commands(tree, intel(), found).empty());
}

TEST(Hints, WhatElseAMachineCouldHave) {
  Machine m;
  m.virtual_machine = true;
  {
    const SensorTree tree;
    EXPECT_TRUE(commands(tree, m).empty());
    tree.write("sys/firmware/dmi/entries/38-0/type", "38\n");
    EXPECT_EQ(commands(tree, m), Strings{"modprobe -a ipmi_si ipmi_devintf"});
    tree.write("dev/ipmi0", "");
    EXPECT_TRUE(commands(tree, m).empty());
    tree.write("sys/bus/acpi/devices/ACPI000D:00/hid", "ACPI000D\n");
    EXPECT_EQ(commands(tree, m), Strings{"modprobe acpi_power_meter"});
    tree.write("sys/devices/soc0/soc_id", "jep106:036b:0241\n");
    EXPECT_EQ(commands(tree, m), Strings{"modprobe acpi_power_meter force_cap_on=y"});
  }
  const SensorTree tree;
  tree.write("proc/driver/nvidia/version", "NVRM version\n");
  tree.write("sys/class/power_supply/BAT0/type", "Battery\n");
  tree.write("sys/class/power_supply/BAT0/status", "Full\n");
  EXPECT_EQ(commands(tree, m).size(), 2U);
  tree.write("sys/class/power_supply/BAT0/status", "Discharging\n");
  EnergySensors found;
  found.push_back(open_battery(tree.root(), m));
  EXPECT_EQ(commands(tree, m, found).size(), 1U);
}

}  // namespace
}  // namespace haywatt::meter
