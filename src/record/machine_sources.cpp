#include "record/machine_sources.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <optional>
#include <set>
#include <utility>

#include "haywatt/base/text.hpp"
#include "haywatt_cpuid_table.hpp"

namespace haywatt::record {
namespace {

std::string trimmed(std::string_view s) {
  constexpr std::string_view blanks = " \t\r\n";
  const auto begin = s.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return std::string(s.substr(begin, s.find_last_not_of(blanks) - begin + 1));
}

std::string first_line(const std::string& path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  return trimmed(line);
}

int whole(const std::string& text) {
  const auto value = parse_u64(text);
  return value && *value < 1'000'000 ? static_cast<int>(*value) : 0;
}

bool has_flag(const std::string& flags, const std::string& flag) {
  const auto all = split(flags, ' ');
  return std::find(all.begin(), all.end(), flag) != all.end();
}

/// /proc/cpuinfo: one paragraph a logical CPU, "key : value" lines (Documentation/filesystems/proc.rst).
void read_cpuinfo(const std::string& root, Machine& m) {
  std::ifstream in(root + "/proc/cpuinfo");
  std::string line, socket = "0", implementer, part;
  std::set<std::string> sockets;
  std::set<std::pair<std::string, std::string>> cores;
  while (std::getline(in, line)) {
    const auto colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::string key = trimmed(line.substr(0, colon)), value = trimmed(line.substr(colon + 1));
    if (key == "processor") ++m.logical_cpus;
    if (key == "vendor_id") m.cpu_vendor = value;
    if (key == "model name") m.cpu_name = value;
    if (key == "cpu family") m.cpu_family = whole(value);
    if (key == "model") m.cpu_model = whole(value);
    if (key == "stepping") m.cpu_stepping = whole(value);
    if (key == "physical id") sockets.insert(socket = value);
    if (key == "core id") cores.emplace(socket, value);
    if (key == "flags" && has_flag(value, "hypervisor")) m.virtual_machine = true;
    if (key == "CPU implementer") implementer = value;
    if (key == "CPU part") part = value;
  }
  m.sockets = static_cast<int>(sockets.size());
  m.physical_cores = static_cast<int>(cores.size());
  if (m.cpu_name.empty() && !part.empty()) {
    m.cpu_name = fmt::format("ARM implementer {} part {}", implementer, part);
    m.cpu_vendor = "ARM";
  }
  m.micro_architecture = micro_architecture_of(m.cpu_vendor, m.cpu_family, m.cpu_model, m.cpu_stepping);
}

std::uint64_t total_memory_B(const std::string& root) {
  std::ifstream in(root + "/proc/meminfo");
  std::string key, unit;
  std::uint64_t kB = 0;
  while (in >> key >> kB) {
    if (key == "MemTotal:") return kB * 1024;
    std::getline(in, unit);
  }
  return 0;
}

std::string distribution(const std::string& root) {
  std::ifstream in(root + "/etc/os-release");
  constexpr std::string_view key = "PRETTY_NAME=";
  std::string line;
  while (std::getline(in, line)) {
    if (!line.starts_with(key)) continue;
    std::string name = line.substr(key.size());
    std::erase(name, '"');
    return name;
  }
  return {};
}

/// DMI names of virtual machines, for CPUs without a hypervisor flag (ARM). As systemd's detect-virt lists them.
void read_dmi(const std::string& root, Machine& m) {
  constexpr std::array<std::pair<const char*, const char*>, 9> vendors = {{{"QEMU", "KVM"},
                                                                           {"KVM", "KVM"},
                                                                           {"VMware", "VMware"},
                                                                           {"innotek GmbH", "VirtualBox"},
                                                                           {"Xen", "Xen"},
                                                                           {"Amazon EC2", "Amazon EC2"},
                                                                           {"Google", "Google Compute Engine"},
                                                                           {"OpenStack", "KVM"},
                                                                           {"Parallels", "Parallels"}}};
  for (const char* file : {"/sys/class/dmi/id/sys_vendor", "/sys/class/dmi/id/product_name"}) {
    const std::string text = first_line(root + file);
    for (const auto& [prefix, name] : vendors) {
      if (!text.starts_with(prefix)) continue;
      // Bare-metal hosts of Amazon and Google carry the same vendor; there the CPU says that it is no guest.
      const bool ambiguous = std::string_view(prefix) == "Amazon EC2" || std::string_view(prefix) == "Google";
      if (ambiguous && !m.virtual_machine) continue;
      m.virtual_machine = true;
      if (m.hypervisor.empty()) m.hypervisor = name;
    }
  }
}

}  // namespace

std::string micro_architecture_of(const std::string& vendor, int family, int model, int stepping) {
  const std::string wanted = vendor == "GenuineIntel" ? "intel" : vendor == "AuthenticAMD" ? "amd" : "";
  if (wanted.empty()) return {};
  const auto lines = split(cpuid_table_csv, '\n');
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const auto f = split(lines[i], ',');
    if (f.size() != 7 || f[0] != wanted || whole(f[1]) != family) continue;
    if (model < whole(f[2]) || model > whole(f[3]) || stepping < whole(f[4]) || stepping > whole(f[5])) continue;
    return f[6];
  }
  return {};
}

Machine machine_from_files(const std::string& root) {
  Machine m;
  read_cpuinfo(root, m);
  read_dmi(root, m);
  m.memory_B = total_memory_B(root);
  m.distribution = distribution(root);
  return m;
}

}  // namespace haywatt::record
