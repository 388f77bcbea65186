/// Wall power of servers from published SPECpower_ssj2008 results: P(u) = idle + (full - idle) s(u).
/// Tables: share/energy/, made by tools/fit-energy-model; what they are worth: docs/energy.md.
#pragma once
#include <array>
#include <string>

#include "haywatt/meter/estimate.hpp"
#include "haywatt/record/machine.hpp"
#include "meter/model_tables.hpp"

namespace haywatt::meter {

/// s(u), the mean curve of the benchmark's eleven loads, linear between them; u is held to [0, 1].
[[nodiscard]] double server_curve(double u);

/// The curve of a micro-architecture as a tier knows it, else the tier's mean one.
[[nodiscard]] std::array<double, 11> curve_of(const std::string& tier, const std::string& micro_architecture);

/// A whole server of which these things are known.
struct ServerModel {
  std::string tier;   ///< "T1" this CPU was measured; "T2b" vendor, micro-architecture, TDP, cores; "T2c" vendor, TDP,
                      ///< cores; "T3a" vendor, cores; "T3b" cores
  std::string basis;  ///< what it rests on, for a person
  double idle_W = 0.0, full_W = 0.0;
  std::array<double, 11> curve{};
  Spread spread;
  [[nodiscard]] double dynamic_W(double u) const { return (full_W - idle_W) * at_load(curve, u); }
  [[nodiscard]] double watts(double u) const { return idle_W + dynamic_W(u); }
  /// Standard uncertainty of ln watts(u), first order in both parts.
  [[nodiscard]] double u_ln(double u) const;
};

/// The best tier that what is known allows.
[[nodiscard]] ServerModel server_model(const Machine& machine, const EstimateOptions& known);

/// A hardware thread of a virtual machine: W when idle and the extra W when busy (share/energy/thread_power.csv).
struct ThreadPower {
  std::string group;  ///< "zen3", "AMD server", …
  double idle_W = 0.0, u_idle = 0.0;
  double busy_W = 0.0, u_busy = 0.0;  ///< u: standard uncertainty of the logarithm
};
[[nodiscard]] ThreadPower thread_power(const Machine& machine);

}  // namespace haywatt::meter
