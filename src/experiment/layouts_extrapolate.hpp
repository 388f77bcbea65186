/// Layouts on more ranks and on networks that are not here, reckoned with the cost model.
#pragma once
#include "haywatt/record/layouts.hpp"

namespace haywatt::experiment {

/// Adds rows to `record.pays`, each with its assumption: layers after the curve fitted at each measured width, links
/// with an alpha and a beta from literature.
void extrapolate(LayoutsRecord& record);

}  // namespace haywatt::experiment
