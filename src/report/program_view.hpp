/// What every format of a metered program's report says, worked out once; plain text, not escaped.
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "haywatt/metrics/summary.hpp"
#include "haywatt/report/report.hpp"

namespace haywatt::report {

struct ProgramView {
  ProgramView(const ProgramRecord& program, const CarbonBasis& carbon_basis);  ///< keeps references to both

  const ProgramRecord& record;
  const RunRecord& run;
  const CarbonBasis& carbon;
  metrics::EnergyBasis basis;                  ///< the figures that the sentences are about
  std::optional<Figure> marginal, attributed;  ///< of the process tree, J
  std::optional<Figure> grams;                 ///< gCO2e, of the attributed energy
  std::string command;                         ///< as a shell would take it; the label if the record has none
  std::vector<std::string> phase_names;        ///< top-level, in order, "other" last
};

/// A subject ("Energy", "Time", …) and its sentences; what is unknown is said.
using Headline = std::vector<std::pair<std::string, std::vector<std::string>>>;
[[nodiscard]] Headline headline(const ProgramView& view);

/// "2 CPUs, AMD EPYC (virtual machine); ended with exit code 0"
[[nodiscard]] std::string subject_line(const ProgramView& view);

/// How the two rules come about, as formulas and a sentence on what is in them.
[[nodiscard]] std::vector<std::string> rule_formulas(const metrics::EnergyBasis& basis);

/// "41.2 J (95 %: 18.1 to 95.3)"
[[nodiscard]] std::string with_level(const Figure& figure);

/// The attributed or marginal energy of a phase; nothing if unknown.
[[nodiscard]] std::optional<Figure> phase_figure(const PhaseRecord& phase, const metrics::EnergyBasis& basis,
                                                 const std::string& rule);

/// One part of a figure's uncertainty, the largest first.
struct UncertaintyPart {
  Component component;
  double share = 0.0;  ///< of the variance
  std::string alone;   ///< what it alone would make of the interval: "×/÷ 1.63", "± 0.04 J"
  std::string common;  ///< with what it is shared, and so cancels: "all runs on this machine by this model"
};
[[nodiscard]] std::vector<UncertaintyPart> uncertainty_parts(const Figure& figure);

/// How to name the end of the program: "exit code 0", "killed by signal 9", "could not be started: …".
[[nodiscard]] std::string ending(const RunRecord& run);

/// White space as single spaces, and at most `most` bytes before an ellipsis.
[[nodiscard]] std::string one_line(const std::string& text, std::size_t most);

/// The heading: the label or the command, shortened.
[[nodiscard]] std::string title_of(const ProgramView& view);

/// Words joined as a shell would take them: what needs quotes is in single quotes.
[[nodiscard]] std::string shell_line(const std::vector<std::string>& words);

}  // namespace haywatt::report
