/// Wall power of servers from published SPECpower_ssj2008 results of 2015-2022: P(u) = idle + (full - idle) s(u).
/// Coefficients: share/energy/model_coefficients.csv; how good they are: share/energy/model_intervals.csv,
/// docs/energy.md.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "haywatt/record/machine.hpp"

namespace haywatt::meter {

/// s(u), the mean curve of the benchmark's eleven loads, linear between them; u is held to [0, 1].
[[nodiscard]] double server_curve(double u);

/// A whole server of which these things are known.
struct ServerModel {
  std::string tier;     ///< "T2c" vendor, TDP, cores; "T3a" vendor, cores; "T3b" cores
  double factor = 1.0;  ///< F: the truth lies in [P/F, P F] for 95 % of the machines left out
  double idle_W = 0.0, full_W = 0.0;
  [[nodiscard]] double watts(double u) const { return idle_W + (full_W - idle_W) * server_curve(u); }
};

/// The best tier that what is known allows. `tdp_W` of one socket.
[[nodiscard]] ServerModel server_model(const Machine& machine, std::optional<double> tdp_W);

/// TDP of one socket by the CPU's name as /proc/cpuinfo has it (share/energy/cpu_tdp.csv).
[[nodiscard]] std::optional<double> tdp_of(std::string_view cpu_name);

/// A hardware thread of a virtual machine: W when idle and the extra W when busy, 2.5, 50 and 97.5 % of servers.
struct ThreadPower {
  std::string group;  ///< "EPYC Zen 2/3", …
  double idle_W = 0.0, u_idle = 0.0;
  double busy_W = 0.0, u_busy = 0.0;  ///< u: standard uncertainty of the logarithm, ln(97.5 % / 2.5 %) / (2 * 1.96)
};
[[nodiscard]] ThreadPower thread_power(const Machine& machine);

}  // namespace haywatt::meter
