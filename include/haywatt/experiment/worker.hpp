/// One run of a study in a process of its own, so that its memory is its own and its end is not the study's.
#pragma once
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "haywatt/experiment/external.hpp"
#include "haywatt/meter/estimate.hpp"
#include "haywatt/record/record.hpp"

namespace haywatt::experiment {

/// What a worker is told, as one JSON object on its standard input.
struct WorkerJob {
  std::string id, label;
  std::string data, data_xxh3;
  std::string method;              ///< MethodSpec text
  std::string bound;               ///< text of the bound set
  std::vector<std::string> rules;  ///< its rules, "GLOB=KIND:VALUE"
  int threads = 1;
  int repeat = 0;
  std::uint64_t memory_B = std::uint64_t{1} << 30;
  std::string output;                      ///< the .hay file to write; removed again
  bool histograms = false;                 ///< fill ColumnFidelity's histograms
  Machine machine;                         ///< as the study described it
  std::optional<ExternalMethod> external;  ///< what `method` is, if it is no built-in one
  std::string version;                     ///< of the external method, if known
  meter::EstimateOptions estimate;
};

void to_json(nlohmann::json& j, const WorkerJob& job);
void from_json(const nlohmann::json& j, WorkerJob& job);

/// Compresses the table, reads the file back and decodes all of it, metered; then, unmetered, compares every value with
/// the original. What goes wrong becomes a record of status "failed"; nothing is thrown but by a broken job.
/// `observe`, if set, is called with true when metering has begun and with false before it ends.
[[nodiscard]] RunRecord run_job(const WorkerJob& job, const std::function<void(bool begin)>& observe = {});

/// What `run_job` does for an external method: each command under the program meter, in a fresh folder
/// `job.output` + ".d"; then, unmetered, the comparison. Call it from a process with one thread and without children.
[[nodiscard]] RunRecord run_external(const WorkerJob& job);

/// What the libraries of this process say of themselves, for Machine::libraries; loads the training plug-in if
/// `trainer` is set. `warnings`: what makes figures of this machine untypical (a slow BLAS).
struct Environment {
  std::map<std::string, std::string> libraries;
  std::vector<std::string> warnings;
};
[[nodiscard]] Environment describe_environment(const std::vector<std::string>& methods, bool trainer);

/// The first line that the method's version command prints; empty if it has none, fails or takes longer than 60 s.
/// `scratch`: a file that it may make.
[[nodiscard]] std::string version_of(const ExternalMethod& method, const std::string& scratch);

/// The hidden command `haywatt study-worker`: reads {"run": WorkerJob} or {"environment": {"methods": […], "trainer":
/// bool, "external": […], "scratch": PATH}} from `in`, writes one RunRecord or {"libraries", "warnings"} as JSON to
/// `out`. Returns the exit code.
int run_worker(std::istream& in, std::ostream& out);

}  // namespace haywatt::experiment
