/// What a counter that moves only every so often can tell of a run and its phases (docs/energy.md).
#pragma once
#include <string>
#include <vector>

#include "haywatt/meter/energy_sensor.hpp"
#include "meter/attribution.hpp"

namespace haywatt::meter {

/// Sets resolution_J of the run and its phases: at every reading the counter lags by up to its period, which moves
/// energy between what ran before and what ran after. Where phases are shorter than that, their energy is found by
/// least squares over stretches of two periods and more, of joules above idle on the time of each phase (CPU time; wall
/// time where the device itself told whose activity it was), and made to add up to the run's; chosen when it is
/// sharper. Returns how, for people; empty where phases were read directly.
std::string resolve_phases(const Timeline& timeline, const std::vector<double>& joules, const SensorChannel& channel,
                           double idle_W, bool device_told, Shares& shares);

/// Standard uncertainty of the whole machine's joules for the same reason.
[[nodiscard]] double machine_resolution_J(const Timeline& timeline, const std::vector<double>& joules,
                                          const SensorChannel& channel, double idle_W);

/// Whether the joules of a phase can be told from none.
[[nodiscard]] bool is_resolved(const Parts& phase);

}  // namespace haywatt::meter
