/// From the runs of a search to sensitivities, evidence, a verdict and advice. Pure.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "haywatt/experiment/bottleneck.hpp"

namespace haywatt::experiment {

/// Fills everything of `record` that follows from its runs.
void conclude_bottleneck(BottleneckRecord& record, int cpus, const std::map<std::string, double>& references,
                         const std::vector<Knob>& knobs);

}  // namespace haywatt::experiment
