/// What the estimates of a bare machine have in common.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "haywatt/meter/calibration.hpp"
#include "meter/energy_source.hpp"

namespace haywatt::meter {

inline constexpr const char* caution =
    "estimated from CPU time, not measured: it cannot rank two methods differently from their CPU seconds";

[[nodiscard]] Component model_part(const char* name, double u_rel, std::string id);

/// `weight`: how much of the energy is not idle power. Other work than the benchmark's, or than the load of the
/// calibration, moves that part only.
void add_workload(std::vector<Component>& list, const RunIdentity& who, double weight);

/// Cumulative joules by reading, as a sensor of power(load, seconds) would give them.
[[nodiscard]] std::vector<double> integrate(const Timeline& timeline, const Machine& machine,
                                            const std::function<double(double load, double wall_s)>& power);
/// With the joules, parts and steps of `shares`, which are moved from.
[[nodiscard]] EnergySource source_of(Shares& shares, double idle_W);

[[nodiscard]] EnergySource calibrated_estimate(const Timeline& timeline, const Machine& machine,
                                               const Calibration& calibration, const RunIdentity& who);

}  // namespace haywatt::meter
