/// The parts of a metered program's page that stand without JavaScript. Each returns HTML in which every text of the
/// record is escaped.
#pragma once
#include <string>

#include "report/program_view.hpp"

namespace haywatt::report {

[[nodiscard]] std::string headline_html(const ProgramView& view);
/// Frames for the charts of assets/program.js, or why there are none.
[[nodiscard]] std::string power_html(const ProgramView& view);
[[nodiscard]] std::string samples_html(const ProgramView& view);
/// Bars of wall time, CPU time and energy by phase, and the table.
[[nodiscard]] std::string phases_html(const ProgramView& view);
/// Every energy figure of the record, known or not, and the formulas.
[[nodiscard]] std::string energy_html(const ProgramView& view);
[[nodiscard]] std::string uncertainty_html(const ProgramView& view);
/// The processes that used most CPU time, with bars of their life.
[[nodiscard]] std::string processes_html(const ProgramView& view);
[[nodiscard]] std::string carbon_html(const ProgramView& view);
[[nodiscard]] std::string program_warnings_html(const RunRecord& run);
[[nodiscard]] std::string program_facts_html(const ProgramView& view);
[[nodiscard]] std::string program_notes_html(const ProgramView& view);

/// The colour variables of style.css that phases have, in order of view.phase_names: "--p0", …, "--other".
[[nodiscard]] std::vector<std::string> phase_colours(const ProgramView& view);
/// The names and colours of the phases; time outside phases is not shaded in charts over time.
[[nodiscard]] std::string phase_legend(const ProgramView& view, bool with_other);

}  // namespace haywatt::report
