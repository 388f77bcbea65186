/// The machine a measurement was made on.
#pragma once
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace haywatt {

struct Machine {
  std::string id;        ///< short hash of the fields below that identify the hardware; correlation id of kind machine
  std::string cpu_name;  ///< as /proc/cpuinfo has it, possibly masked in a VM
  std::string cpu_vendor;
  int cpu_family = 0, cpu_model = 0, cpu_stepping = 0;
  std::string micro_architecture;  ///< key of data/energy/cpuid_uarch.csv, or empty
  int logical_cpus = 0;            ///< online
  int physical_cores = 0;          ///< with a CPU online; 0 unknown
  int paired_cpus = -1;            ///< of the CPUs online, those whose core has another one online; -1 unknown
  int sockets = 0;
  double cpu_quota = 0.0;  ///< CPUs allowed by affinity and cgroup (may be fractional)
  std::uint64_t memory_B = 0;
  bool virtual_machine = false;
  std::string hypervisor;
  std::string kernel, distribution;
  std::map<std::string, std::string> libraries;  ///< "zstd" -> "1.5.4", "blas" -> "OpenBLAS 0.3.21 …", "libtorch" -> …
};

/// Reads this machine from /proc, /sys and CPUID. Never throws: what cannot be read stays empty.
[[nodiscard]] Machine describe_machine();

void to_json(nlohmann::json& j, const Machine& m);
void from_json(const nlohmann::json& j, Machine& m);

}  // namespace haywatt
