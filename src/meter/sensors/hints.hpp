/// Sensors that are not there yet although the machine could have them.
#pragma once
#include <string>
#include <vector>

#include "haywatt/meter/sensor_survey.hpp"

namespace haywatt::meter {

[[nodiscard]] std::vector<SensorHint> sensor_hints(const std::string& sysroot, const Machine& machine,
                                                   const EnergySensors& found);

}  // namespace haywatt::meter
