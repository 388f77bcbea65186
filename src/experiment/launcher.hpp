/// Starts workers and turns whatever becomes of them into records.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "experiment/process.hpp"
#include "haywatt/experiment/plan.hpp"
#include "haywatt/experiment/worker.hpp"

namespace haywatt::experiment {

class Launcher {
 public:
  Launcher(std::string program, Machine machine, std::string scratch_file, std::uint64_t memory_B,
           meter::EstimateOptions estimate, SignalWatch& signals);
  /// One run; nothing if a signal came. A worker that crashes, is killed or takes longer than `timeout_s` becomes a
  /// failed record; commands of external methods have time limits of their own besides. Sets count "worker_wall_s".
  [[nodiscard]] std::optional<RunRecord> run(const Trial& trial, int repeat, double timeout_s);
  /// Empty if the worker could not tell; the runs will then say why.
  [[nodiscard]] Environment environment(const std::vector<std::string>& methods,
                                        const std::vector<ExternalMethod>& external);

 private:
  std::string program_;
  Machine machine_;
  std::string scratch_file_;
  std::uint64_t memory_B_;
  meter::EstimateOptions estimate_;
  SignalWatch& signals_;
  std::map<std::string, std::string> versions_;  ///< of external methods, as environment() found them
};

/// What became of a worker that left no record: "the run crashed: Segmentation fault: <its last line>".
[[nodiscard]] std::string explain_death(const ProcessResult& process, double timeout_s);

}  // namespace haywatt::experiment
