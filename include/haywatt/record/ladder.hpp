/// The record of a ladder: changes to a program, one a rung, each measured beside the rung it stands on.
/// JSON: schema "haywatt-ladder/1", docs/ladder.md.
#pragma once
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "haywatt/record/compare.hpp"
#include "haywatt/record/machine.hpp"
#include "haywatt/record/record.hpp"

namespace haywatt {

/// One change, and how what it changes is run.
struct LadderRung {
  std::string id, title;
  std::string mechanism;       ///< what changes and why that should cost less
  std::string place;           ///< where in the program: file and function
  std::string effort;          ///< "minutes", "hours", "days"
  std::string risk;            ///< what may go wrong
  std::string note;            ///< what its figures mean, where they need a word
  std::string stands_in;       ///< what really ran, where it stands in for something that cannot run here
  std::string on;              ///< id of the rung it stands on; empty for the first
  bool parallel = false;       ///< more cores, processes or machines
  bool side = false;           ///< nothing stands on it: what comes next stands on the rung before it
  bool measured_only = false;  ///< a step of the measurement, no advice
  std::map<std::string, std::string> commands;  ///< phase → template of its command line, of the phases it changes
  std::vector<std::string> environment;         ///< NAME=VALUE
  std::string unavailable;                      ///< why it cannot run here; empty if it can

  [[nodiscard]] bool concerns(const std::string& phase) const { return commands.contains(phase); }
};

/// One run that counts.
struct LadderRun {
  std::string rung, phase;
  std::uint64_t rows = 0;
  int round = 0;     ///< runs of one round lie beside each other
  std::string made;  ///< hash of the command that was run: runs of another command are no runs of this rung
  RunRecord run;     ///< its key figures
};

/// What a rung's phase made, looked at once, outside any measurement.
struct LadderCheck {
  std::string rung, phase;
  std::uint64_t rows = 0;
  std::string made;
  std::uint64_t artefact_B = 0;
  std::string xxh3;                       ///< of the artefact
  std::optional<bool> same_bytes;         ///< as the artefact of the rung it stands on
  std::optional<double> max_error;        ///< of the decoded table, as a share of its column's range
  std::optional<double> median_error;     ///< likewise
  std::optional<double> max_difference;   ///< from what the rung it stands on decodes, likewise
  std::map<std::string, double> results;  ///< what the command said of itself: loss, epochs, …
  std::string failure;                    ///< why the phase failed; then nothing above is known
};

/// How much a rung needs of what another one needs, in one phase.
struct LadderStep {
  std::string rung, against, phase;
  std::uint64_t rows = 0;
  int pairs = 0;
  std::vector<ComparedMetric> metrics;  ///< A is `against`, B the rung; "work" is wall time without the overhead phases
};

/// A fault of the program that the ladder is about, for the page of improvements.
struct LadderFault {
  std::string title, place, evidence, mend;
};

struct LadderRecord {
  std::string title, about, subject;
  std::string table;  ///< as given
  std::string started, finished, haywatt_version;
  Machine machine;
  std::vector<std::string> overhead;  ///< phases that are no work: import, exit
  std::vector<std::string> phases;    ///< in the order of a run through: train, compress, decompress
  std::vector<std::uint64_t> rows;
  std::vector<LadderRung> rungs;
  std::vector<LadderFault> faults;
  std::vector<LadderRun> runs;
  std::vector<LadderCheck> checks;
  std::vector<LadderStep> steps;
  std::map<std::string, std::string> versions;  ///< of what is run: name → what its command printed
  std::string stopped_by;                       ///< "rounds", "budget", "interrupted"
  std::vector<std::string> notes;

  [[nodiscard]] const LadderRung* rung(const std::string& id) const;
  /// It concerns the phase, can run here, and did not fail.
  [[nodiscard]] bool runs_here(const LadderRung& r, const std::string& phase) const;
  /// The nearest rung below `r` of which runs_here(phase); nullptr at the bottom.
  [[nodiscard]] const LadderRung* before(const LadderRung& r, const std::string& phase) const;
  /// The lowest rung of which runs_here(phase); nullptr if none does.
  [[nodiscard]] const LadderRung* first(const std::string& phase) const;
  /// The step of `rung` against `against`; nullptr if it was not measured.
  [[nodiscard]] const LadderStep* step(const std::string& rung, const std::string& against, const std::string& phase,
                                       std::uint64_t rows) const;
  [[nodiscard]] const LadderCheck* check(const std::string& rung, const std::string& phase) const;
};

/// Wall time of a run outside the phases named `overhead`; all of it where the program marked no phase.
[[nodiscard]] double work_s(const RunRecord& run, const std::vector<std::string>& overhead);

void to_json(nlohmann::json& j, const LadderRecord& r);
void from_json(const nlohmann::json& j, LadderRecord& r);

}  // namespace haywatt
