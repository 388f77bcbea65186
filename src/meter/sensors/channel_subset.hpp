/// A sensor with some of its channels left out.
#pragma once
#include <memory>
#include <vector>

#include "haywatt/meter/energy_sensor.hpp"

namespace haywatt::meter {

/// `kept`: channels of `sensor`, in the order they shall have.
[[nodiscard]] std::unique_ptr<EnergySensor> subset_of(std::unique_ptr<EnergySensor> sensor,
                                                      const std::vector<std::size_t>& kept);

}  // namespace haywatt::meter
