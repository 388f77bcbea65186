/// The parts of the HTML page that stand without JavaScript. Each returns HTML in which every text of a record is
/// escaped.
#pragma once
#include <string>

#include "haywatt/metrics/summary.hpp"

namespace haywatt::report {

[[nodiscard]] std::string verdict_html(const metrics::Summary& summary);
/// The table of methods and bounds.
[[nodiscard]] std::string summary_table(const metrics::Summary& summary);
/// Seconds and joules of each phase, for readers of text.
[[nodiscard]] std::string phase_table(const metrics::Summary& summary);
[[nodiscard]] std::string pareto_table(const metrics::Summary& summary);
[[nodiscard]] std::string payback_table(const metrics::Summary& summary);
[[nodiscard]] std::string assumptions_table();
/// Size and arithmetic of the networks that methods trained (from RunRecord::counts); empty if there are none.
[[nodiscard]] std::string networks_html(const metrics::Summary& summary);
/// A term and its text for a list of facts; empty if the text is.
[[nodiscard]] std::string definition(const std::string& term, const std::string& text);
/// Processor, memory, system and versions.
[[nodiscard]] std::string machine_facts(const Machine& machine, const std::string& haywatt_version);
[[nodiscard]] std::string machine_html(const StudyRecord& study);
[[nodiscard]] std::string failures_html(const metrics::Summary& summary);
/// Each different warning once, with the methods it came from.
[[nodiscard]] std::string warnings_html(const StudyRecord& study);
/// What the energy figures are: sensor, boundary, share, rule, tier, and what that implies.
[[nodiscard]] std::string energy_note(const metrics::EnergyBasis& basis);
/// "30,000 rows of 24 columns, 2.88 MB of values in examples/jets.npz"
/// What to keep in mind where external programs stand beside other methods; empty where there are none.
[[nodiscard]] std::string external_note(const StudyRecord& study);
[[nodiscard]] std::string subject_line(const StudyRecord& study, const metrics::Summary& summary);

/// The sentence about energy as plain text: "Energy is an estimate …"; used by every format.
[[nodiscard]] std::string energy_sentence_plain(const metrics::EnergyBasis& basis);

}  // namespace haywatt::report
