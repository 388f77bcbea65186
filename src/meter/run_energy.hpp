/// From what was read during a run to what its record says of phases and energy; the same for a run of this process and
/// for a metered program.
#pragma once
#include <string>
#include <vector>

#include "haywatt/meter/estimate.hpp"
#include "meter/energy_source.hpp"
#include "meter/phases.hpp"
#include "meter/readings.hpp"

namespace haywatt::meter {

/// A run that is over: its last reading was slow, its phases were swept up to it.
struct MeteredRun {
  const Machine& machine;
  const Readings& readings;
  const PhaseSweep& phases;
  std::vector<std::string> phase_names;  ///< by PhaseId
  std::int64_t start_ns = 0;
  RunIdentity identity;
  EstimateOptions estimate;
};

/// Fills phases, spans, energy and power of `run`, and adds warnings. wall_s and cpu_s are left alone.
void fill_phases_and_energy(const MeteredRun& metered, RunRecord& run);

}  // namespace haywatt::meter
