/// Layouts of one width: calibrated, predicted, run in turn.
#pragma once
#include "haywatt/distributed/layouts_job.hpp"
#include "haywatt/record/layouts.hpp"

namespace haywatt::distributed {

/// All ranks of MPI_COMM_WORLD call it; the result is whole on rank 0. Predictions are made before the first measured
/// run, from layers and links timed at the start.
[[nodiscard]] LayoutPart run_layouts(const LayoutsJob& job);

}  // namespace haywatt::distributed
