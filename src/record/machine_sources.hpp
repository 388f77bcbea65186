/// Where a machine's description comes from, so that tests can describe machines that they do not run on.
#pragma once
#include <string>

#include "haywatt/record/machine.hpp"

namespace haywatt::record {

/// The parts of describe_machine that files tell, but for the topology. `root` is put before every path. Never throws.
[[nodiscard]] Machine machine_from_files(const std::string& root);

/// Cores and their siblings by /sys/devices/system/cpu under `root`: physical_cores, paired_cpus. Where it has no lists
/// of siblings, physical_cores stays and paired_cpus follows from the counts: CPUs beyond one a core have a sibling
/// each. Never throws.
void read_topology(const std::string& root, Machine& m);

/// Key of share/energy/cpuid_uarch.csv for a CPU, or empty. `vendor` as CPUID says it: "GenuineIntel", "AuthenticAMD".
[[nodiscard]] std::string micro_architecture_of(const std::string& vendor, int family, int model, int stepping);

/// A short hash of what identifies the hardware: CPU, counts, memory to the next GiB, hypervisor.
[[nodiscard]] std::string machine_id(const Machine& m);

}  // namespace haywatt::record
