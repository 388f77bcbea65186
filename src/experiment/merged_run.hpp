/// Programs that were metered one after the other, as one run.
#pragma once
#include <string>

#include "haywatt/record/record.hpp"

namespace haywatt::experiment {

/// Adds the figures of a metered program to `run`, as if it had begun where `run` ended: times and energy add up,
/// jointly (what both figures share stays shared), memory is the larger peak. Its time outside its own phases becomes
/// the phase `phase`, and its phases become `phase/NAME`; a first part of their names that says the same as `step`
/// ("compress/", "compress") or `phase` is left out.
void append_program(RunRecord& run, const RunRecord& program, const std::string& phase, const std::string& step);

}  // namespace haywatt::experiment
