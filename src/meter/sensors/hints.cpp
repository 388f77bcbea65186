#include "meter/sensors/hints.hpp"

#include <algorithm>

#include "meter/sensors/battery.hpp"
#include "meter/sensors/sensor_file.hpp"

namespace haywatt::meter {
namespace {

bool has(const EnergySensors& found, const std::string& name) {
  return std::any_of(found.begin(), found.end(), [&](const auto& s) { return s->name() == name; });
}

bool has_rapl(const EnergySensors& found) { return has(found, "rapl-powercap") || has(found, "perf-energy"); }

/// Linux has RAPL drivers for these (drivers/powercap/intel_rapl_msr.c, arch/x86/events/rapl.c).
bool may_have_rapl(const Machine& m) {
  return !m.virtual_machine &&
         (m.cpu_vendor == "GenuineIntel" || m.cpu_vendor == "AuthenticAMD" || m.cpu_vendor == "HygonGenuine");
}

bool any_channel(const EnergySensors& found, const std::string& sensor, const std::string& boundary) {
  for (const auto& s : found)
    for (const SensorChannel& c : s->channels())
      if (s->name() == sensor && c.boundary == boundary) return true;
  return false;
}

}  // namespace

std::vector<SensorHint> sensor_hints(const std::string& sysroot, const Machine& machine, const EnergySensors& found) {
  std::vector<SensorHint> hints;
  if (may_have_rapl(machine) && !has_rapl(found))
    hints.push_back(
        {"the CPU has energy counters (RAPL), but their drivers are not loaded", {"modprobe -a intel_rapl_msr rapl"}});
  // The maker's number of NVIDIA in JEP106, as DCGM looks for it.
  const bool nvidia_cpu = first_word(sysroot + "/sys/devices/soc0/soc_id").starts_with("jep106:036b");
  const bool acpi_meter = file_exists(sysroot + "/sys/bus/acpi/devices/ACPI000D:00");
  if (nvidia_cpu && !any_channel(found, "hwmon", "psys"))
    hints.push_back({"Grace shows its power through acpi_power_meter, which is not loaded or not told to",
                     {"modprobe acpi_power_meter force_cap_on=y",
                      "echo 'options acpi_power_meter force_cap_on=y' > /etc/modprobe.d/acpi_power_meter.conf"}});
  else if (acpi_meter && !has(found, "hwmon"))
    hints.push_back(
        {"the firmware has a power meter (ACPI000D), but its driver is not loaded", {"modprobe acpi_power_meter"}});
  // SMBIOS type 38: an IPMI device.
  if (file_exists(sysroot + "/sys/firmware/dmi/entries/38-0") && !file_exists(sysroot + "/dev/ipmi0"))
    hints.push_back({"the machine has a management controller (BMC), which may know the power of the whole node",
                     {"modprobe -a ipmi_si ipmi_devintf"}});
  if (file_exists(sysroot + "/proc/driver/nvidia/version") && !has(found, "nvml"))
    hints.push_back(
        {"NVIDIA's driver is loaded, but libnvidia-ml.so.1 is not found: install it in the driver's version", {}});
  if (!battery_folders(sysroot).empty() && !has(found, "battery"))
    hints.push_back(
        {"a battery, which shows the power of the whole machine while it runs on it: unplug the mains", {}});
  return hints;
}

}  // namespace haywatt::meter
