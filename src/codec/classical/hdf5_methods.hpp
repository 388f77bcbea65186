/// HDF5 filter plug-ins as methods "hdf5:NAME".
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "haywatt/codec/method.hpp"

namespace haywatt {

/// One method for each known filter whose plug-in lies on this machine.
[[nodiscard]] std::vector<std::unique_ptr<Method>> make_hdf5_methods();

/// If `name` is a known filter without a plug-in here: how to get it. Empty otherwise.
[[nodiscard]] std::string missing_hdf5_method(const std::string& name);

}  // namespace haywatt
