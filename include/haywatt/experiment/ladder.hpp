/// Ladders: from a program as it is to the best known, one change a rung, each metered beside the rung it stands on
/// (docs/ladder.md).
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "haywatt/meter/program_meter.hpp"
#include "haywatt/record/ladder.hpp"

namespace haywatt::experiment {

/// A command that tells whether a rung can run here, and what to say if not.
struct LadderNeed {
  std::string run, why;
};

/// A ladder as its TOML file describes it. Templates hold {NAME}s, expanded by expand().
struct LadderPlan {
  std::string title, about, subject;
  std::vector<std::string> overhead;
  std::vector<std::string> phases;
  std::map<std::string, std::string> variables;
  std::map<std::string, std::string> artefact;  ///< phase → path in {out} of what it makes
  std::map<std::string, std::string> prepare;   ///< phase → command that readies {out}, not metered
  std::map<std::string, std::string> decode;    ///< phase → command that decodes what it made to {out}/restored.npz
  std::map<std::string, std::string> versions;  ///< name → command that prints it
  std::vector<LadderRung> rungs;
  std::map<std::string, std::vector<LadderNeed>> needs;                     ///< by rung
  std::map<std::string, std::map<std::string, std::string>> rung_artefact;  ///< rung → phase → path in {out}
  std::map<std::string, std::map<std::string, std::string>> rung_prepare;   ///< likewise
  std::map<std::string, std::map<std::string, std::string>> rung_decode;    ///< likewise
  std::vector<LadderFault> faults;
  std::map<std::string, std::string_view> files;  ///< what its commands use: name under {files} → content
};

/// Error(Usage) naming `path` and the line of what is wrong; an unknown key is wrong.
[[nodiscard]] LadderPlan parse_ladder(const std::string& toml, const std::string& path);

/// The ladder of Baler, and one where libtorch imitates it, for machines without Python.
[[nodiscard]] LadderPlan baler_ladder();
[[nodiscard]] LadderPlan libtorch_ladder();

/// Every {NAME} replaced by its value, repeatedly, at most 40 deep. Error(Usage) for a name without a value.
[[nodiscard]] std::string expand(const std::string& text, const std::map<std::string, std::string>& values);

struct LadderOptions {
  std::string folder;                            ///< where records and artefacts lie
  std::string table;                             ///< whose first rows are used
  std::vector<std::uint64_t> rows;               ///< sizes, the smallest first
  std::vector<std::string> rungs;                ///< ids to measure; empty: all
  std::vector<std::string> phases;               ///< phases to measure; empty: all
  std::map<std::string, std::string> variables;  ///< instead of the plan's
  int rounds = 6;
  double budget_s = 1200.0;
};

/// What was run outside the meter.
struct ShellResult {
  int exit_code = 0;         ///< 128 + N for a signal
  std::string said, output;  ///< the end of its standard error; its standard output
  int interrupted_by = 0;    ///< the signal that reached us; the command was ended
};

/// Runs `sh -c command` to its end. Call it from a process with one thread.
[[nodiscard]] ShellResult run_in_shell(const std::string& command);

/// What a ladder needs of the world; tests bring their own.
struct LadderWorld {
  Machine machine;
  std::string haywatt_version;
  /// Runs a command, metered; `workload` as in ProgramOptions.
  std::function<meter::ProgramResult(const std::vector<std::string>& words, const std::string& workload)> run;
  std::function<ShellResult(const std::string& command)> shell;  ///< by sh -c
  std::function<double()> now_s;
  std::function<bool()> stop_asked;
  std::function<void(double share, std::string_view)> progress;
};

inline constexpr const char* ladder_file = "ladder.json";

/// Climbs. Runs that lie in the folder already are not made again if their command is still the same; each new one is
/// on disk when the next begins. A rung that cannot run here, or fails, is in the record with the reason. Error(Usage)
/// for rungs or phases that the plan does not have.
[[nodiscard]] LadderRecord climb(const LadderPlan& plan, const LadderOptions& options, const LadderWorld& world);

/// Fills steps and notes from runs.
void conclude_ladder(LadderRecord& record);

/// Reads ladder.json of a folder. Error(System) or Error(BadInput).
[[nodiscard]] LadderRecord load_ladder(const std::string& folder);

/// Error made by `restored` against `original`: max and median of |difference| over the range of each column; columns
/// of range 0 are left out. Error(BadInput) if the tables differ in shape.
struct TableError {
  double max = 0.0, median = 0.0;
};
[[nodiscard]] TableError table_error(const std::string& original, const std::string& restored);
/// The largest difference of two tables over the range that the column has in `original`.
[[nodiscard]] double table_difference(const std::string& original, const std::string& a, const std::string& b);

}  // namespace haywatt::experiment
