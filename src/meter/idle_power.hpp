/// The power that a machine draws when nothing runs on it: measured before the run, or guessed from the run itself.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "meter/attribution.hpp"

namespace haywatt::meter {

/// The idle power of a counter.
struct IdlePower {
  double watts = 0.0;
  double u_W = 0.0;  ///< standard uncertainty
  std::string note;
  bool measured = false;  ///< before the run, by watching; else guessed
};

/// A second or so in which the machine was watched before the run.
struct IdleSecond {
  double joules = 0.0, wall_s = 0.0;
  double busy_s = 0.0;  ///< CPU seconds of the machine meanwhile
};

/// Mean of the watched seconds. Uncertain by s/sqrt(n), by the counter's period at both ends of the watch, by what the
/// little that ran meanwhile drew (taken off as in guess_idle), and by 3 % for what heat changes between the watch and
/// the run (a declared guess: docs/energy.md). `cpus` 0: a device, on which CPU time says nothing. Nothing if none of
/// the seconds is known.
[[nodiscard]] std::optional<IdlePower> measured_idle(const std::vector<IdleSecond>& seconds, int cpus,
                                                     double update_period_s = 0.0);

/// From the stretch with the least power, of about 1 s and of at least ten periods of the counter. If the machine was
/// not idle in it, a part of that power is taken off after the curve of servers, P = idle + (full - idle) s(u), with
/// r = idle/full = 0.24 (median of machines of 2015 to 2022, share/energy/uarch_power.csv), known within a factor 4 (95
/// %: processors alone idle lower than servers), and s within a factor 2 (what programs draw at one load).
[[nodiscard]] IdlePower guess_idle(const Timeline& timeline, const std::vector<double>& joules, int cpus,
                                   double update_period_s = 0.0);
/// The same of a device (a GPU), whose load CPU time does not show: between nothing and the least power, evenly.
[[nodiscard]] IdlePower guess_device_idle(const Timeline& timeline, const std::vector<double>& joules,
                                          double update_period_s);

}  // namespace haywatt::meter
