/// What a search says to people.
#pragma once
#include <string>
#include <vector>

#include "experiment/bottleneck_rules.hpp"

namespace haywatt::experiment {

[[nodiscard]] std::vector<BottleneckEvidence> evidence_of(const BottleneckSignals& s, const BottleneckReferences& r);
[[nodiscard]] std::string reason_for(const std::string& verdict, const BottleneckSignals& s,
                                     const BottleneckReferences& r, const std::string& runner_up);
[[nodiscard]] std::string advice_for(const std::string& verdict, const BottleneckSignals& s,
                                     const BottleneckReferences& r, const std::vector<BottleneckKnob>& knobs);
[[nodiscard]] std::string meaning_of_knob(const BottleneckKnob& knob);

}  // namespace haywatt::experiment
