#include "haywatt/experiment/worker.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <istream>
#include <iterator>
#include <new>
#include <nlohmann/json.hpp>
#include <ostream>

#include "experiment/clock.hpp"
#include "experiment/fidelity.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/base/span.hpp"
#include "haywatt/codec/baler/trainer.hpp"
#include "haywatt/codec/pipeline.hpp"
#include "haywatt/meter/run_meter.hpp"

namespace haywatt::experiment {
namespace {

constexpr const char* slow_blas =
    "libtorch uses the reference BLAS, which makes training about four times slower than it need be: install "
    "libopenblas0-pthread and run again";

void fail_run(RunRecord& run, const std::string& reason) {
  run.status = "failed";
  run.reason = reason;
}

/// Runs `work`; its error becomes the run's. The result says whether it succeeded.
template <class F>
bool attempt(RunRecord& run, F&& work) {
  try {
    work();
    return true;
  } catch (const std::bad_alloc&) {
    fail_run(run, "out of memory");
  } catch (const std::exception& e) {
    fail_run(run, e.what());
  }
  return false;
}

CompressOptions compress_options(const WorkerJob& job) {
  CompressOptions options;
  options.method = MethodSpec::parse(job.method);
  for (const std::string& rule : job.rules) options.bounds.push_back(parse_bound_rule(rule));
  options.threads = job.threads;
  options.memory_bytes = job.memory_B;
  options.existing = AtomicFile::Existing::Replace;
  return options;
}

void check_runnable(const Method& method, const Schema& schema) {
  std::string why = method.unavailable_reason();
  if (why.empty()) why = method.inapplicable_reason(schema);
  if (!why.empty()) fail_unavailable(why);
}

/// The part that is metered: what a user does who compresses a table and later reads it.
CompressOutcome compress_and_decode(const WorkerJob& job, const CompressOptions& options, RunRecord& run,
                                    std::unique_ptr<TableReader>& reader) {
  {
    const ScopedSpan span("read");
    reader = open_table(job.data, {job.memory_B / 4});
  }
  run.columns = reader->schema().columns.size();
  check_runnable(find_method(options.method.name), reader->schema());
  const double start_s = monotonic_s();
  CompressOutcome outcome = compress_table(*reader, job.output, options);
  const double compressed_s = monotonic_s();
  (void)verify_file(job.output, nullptr, job.threads);
  run.counts["compress_wall_s"] = compressed_s - start_s;
  run.counts["decompress_wall_s"] = monotonic_s() - compressed_s;
  return outcome;
}

}  // namespace

RunRecord run_job(const WorkerJob& job, const std::function<void(bool begin)>& observe) {
  if (job.external) return run_external(job);
  RunRecord run;
  run.id = job.id;
  run.label = job.label;
  run.method = job.method;
  run.bound = job.bound;
  run.data = job.data;
  run.data_xxh3 = job.data_xxh3;
  run.threads = job.threads;
  run.repeat = job.repeat;
  run.started = utc_now();

  CompressOptions options;
  if (!attempt(run, [&] {
        options = compress_options(job);
        run.method_version = find_method(options.method.name).version();
      }))
    return run;
  meter::RunMeter meter(job.machine, {100, job.id, job.estimate});
  std::unique_ptr<TableReader> reader;
  CompressOutcome outcome;
  meter.start();
  if (observe) observe(true);
  const bool done = attempt(run, [&] { outcome = compress_and_decode(job, options, run, reader); });
  if (observe) observe(false);
  meter.stop(run);

  if (done) {
    run.rows = outcome.rows;
    run.raw_B = outcome.raw_bytes;
    run.compressed_B = outcome.file_bytes;
    run.model_B = outcome.model_bytes;
    for (const auto& [name, value] : outcome.counts) run.counts[name] = value;
    if (run.counts.contains("reference_blas") && run.counts["reference_blas"] != 0.0)
      run.warnings.emplace_back(slow_blas);
    attempt(run, [&] { compare_with_original(job.output, *reader, outcome, job.threads, job.histograms, run); });
  }
  ::unlink(job.output.c_str());
  return run;
}

Environment describe_environment(const std::vector<std::string>& methods, bool trainer) {
  Environment e;
  for (const std::string& name : methods) e.libraries[name] = find_method(name).version();
  e.libraries["compiler"] = fmt::format("g++ {}", __VERSION__);
  std::string why;
  const baler::Trainer* loaded = trainer ? baler::load_trainer(why) : nullptr;
  if (loaded == nullptr) return e;
  e.libraries["libtorch"] = loaded->library();
  if (loaded->library().find("reference BLAS") != std::string::npos) e.warnings.emplace_back(slow_blas);
  return e;
}

int run_worker(std::istream& in, std::ostream& out) {
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  try {
    const nlohmann::json job = nlohmann::json::parse(text);
    nlohmann::json answer;
    if (job.contains("run")) {
      answer = run_job(job.at("run").get<WorkerJob>());
    } else {
      const nlohmann::json& asked = job.at("environment");
      // Programs first: the plug-in that is loaded afterwards may start threads, and these fork.
      std::map<std::string, std::string> versions;
      for (const auto& method : asked.at("external").get<std::vector<ExternalMethod>>()) {
        const std::string said = version_of(method, asked.at("scratch").get<std::string>());
        if (!said.empty()) versions[std::string(external_prefix) + method.name] = said;
      }
      Environment e =
          describe_environment(asked.at("methods").get<std::vector<std::string>>(), asked.at("trainer").get<bool>());
      e.libraries.merge(versions);
      answer = {{"libraries", e.libraries}, {"warnings", e.warnings}};
    }
    out << answer.dump() << std::flush;
  } catch (const nlohmann::json::exception& e) {
    fail_usage(std::string("study-worker: not a job: ") + e.what());
  }
  if (!out) fail_system("study-worker: cannot write the record");
  return 0;
}

void to_json(nlohmann::json& j, const WorkerJob& job) {
  j = {{"id", job.id},           {"label", job.label},       {"data", job.data},     {"data_xxh3", job.data_xxh3},
       {"method", job.method},   {"bound", job.bound},       {"rules", job.rules},   {"threads", job.threads},
       {"repeat", job.repeat},   {"memory_B", job.memory_B}, {"output", job.output}, {"histograms", job.histograms},
       {"machine", job.machine}, {"version", job.version}};
  if (job.external) j["external"] = *job.external;
  if (job.estimate.tdp_W) j["tdp_W"] = *job.estimate.tdp_W;
  if (job.estimate.idle_W) j["idle_W"] = *job.estimate.idle_W;
}

void from_json(const nlohmann::json& j, WorkerJob& job) {
  j.at("id").get_to(job.id);
  j.at("label").get_to(job.label);
  j.at("data").get_to(job.data);
  j.at("data_xxh3").get_to(job.data_xxh3);
  j.at("method").get_to(job.method);
  j.at("bound").get_to(job.bound);
  j.at("rules").get_to(job.rules);
  j.at("threads").get_to(job.threads);
  j.at("repeat").get_to(job.repeat);
  j.at("memory_B").get_to(job.memory_B);
  j.at("output").get_to(job.output);
  j.at("histograms").get_to(job.histograms);
  j.at("machine").get_to(job.machine);
  if (j.contains("tdp_W")) job.estimate.tdp_W = j.at("tdp_W").get<double>();
  if (j.contains("idle_W")) job.estimate.idle_W = j.at("idle_W").get<double>();
  j.at("version").get_to(job.version);
  if (j.contains("external")) job.external = j.at("external").get<ExternalMethod>();
}

}  // namespace haywatt::experiment
