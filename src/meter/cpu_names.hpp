/// CPU names as Linux writes them, and what tables know by them.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace haywatt::meter {

/// TDP of one socket by the CPU's name as /proc/cpuinfo has it (share/energy/cpu_tdp.csv).
[[nodiscard]] std::optional<double> tdp_of(std::string_view cpu_name);

/// "Intel(R) Xeon(R) Gold 6130 CPU @ 2.10GHz" -> "xeongold6130", the key of share/energy/known_servers.csv. Empty for a
/// name without a model number, as hypervisors mask it ("AMD EPYC").
[[nodiscard]] std::string cpu_key(std::string_view cpu_name);

}  // namespace haywatt::meter
