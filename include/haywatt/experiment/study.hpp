/// Studies: a plan run to its end, each run kept at once, resumable.
#pragma once
#include <string>

#include "haywatt/experiment/plan.hpp"
#include "haywatt/record/record.hpp"

namespace haywatt::experiment {

struct StudyRequest {
  Plan plan;
  std::string folder;                     ///< made if missing
  bool force = false;                     ///< replace a different study, or a finished one
  std::string command;                    ///< how to repeat it, for the record
  std::string worker = "/proc/self/exe";  ///< program that has the command `study-worker`
};

struct StudyOutcome {
  StudyRecord study;            ///< with all runs
  bool found_finished = false;  ///< it had been finished before; nothing ran
  int interrupted_by = 0;       ///< the signal that ended it early, or 0
  std::size_t kept = 0;         ///< runs in the store
  std::size_t planned = 0;      ///< runs of the whole study, as far as known
};

/// Runs what the folder's store does not hold yet. Rounds over all trials in shuffled order; every run in its own
/// process; a run that fails, crashes or takes too long is a row with its reason. Error(Usage) if the folder holds a
/// different study and not `force`; Error(System) if the folder cannot be used; Error(BadInput) for unreadable data.
/// Call it on the main thread of a process without others: it forks and watches signals.
[[nodiscard]] StudyOutcome run_study(const StudyRequest& request);

/// "./jets-study" for "some/where/jets.npz", "table.csv.gz" -> "./table-study".
[[nodiscard]] std::string default_folder(const std::string& data_or_plan);

/// The study in `folder`. Error(BadInput) if there is none.
[[nodiscard]] StudyRecord load_study(const std::string& folder);

}  // namespace haywatt::experiment
