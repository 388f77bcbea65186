#include "experiment/launcher.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "experiment/clock.hpp"
#include "haywatt/base/log.hpp"
#include "haywatt/base/text.hpp"

namespace haywatt::experiment {
namespace {

constexpr double environment_timeout_s = 120.0;

std::string last_line(const std::string& text) {
  std::string last;
  for (const std::string& line : split(text, '\n'))
    if (!line.empty()) last = line;
  constexpr std::string_view prefix = "haywatt: ";
  return last.starts_with(prefix) ? last.substr(prefix.size()) : last;
}

RunRecord failed_record(const WorkerJob& job, const std::string& reason) {
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
  run.status = "failed";
  run.reason = reason;
  return run;
}

}  // namespace

std::string explain_death(const ProcessResult& process, double timeout_s) {
  const std::string last = last_line(process.last_words);
  const std::string tail = last.empty() ? "" : ": " + last;
  if (process.timed_out) return fmt::format("it took longer than {:.3g} s and was stopped", timeout_s);
  if (process.signal == SIGKILL) return "it was killed, most likely because the machine ran out of memory" + tail;
  if (process.signal != 0) return fmt::format("it crashed ({}){}", ::strsignal(process.signal), tail);
  if (process.exit_code != 0) return fmt::format("its process ended with exit code {}{}", process.exit_code, tail);
  return "its process ended without a record" + tail;
}

Launcher::Launcher(std::string program, Machine machine, std::string scratch_file, std::uint64_t memory_B,
                   meter::EstimateOptions estimate, SignalWatch& signals)
    : program_(std::move(program)),
      machine_(std::move(machine)),
      scratch_file_(std::move(scratch_file)),
      memory_B_(memory_B),
      estimate_(estimate),
      signals_(signals) {}

std::optional<RunRecord> Launcher::run(const Trial& trial, int repeat, double timeout_s) {
  WorkerJob job;
  job.id = trial.key(repeat);
  job.label = trial.label;
  job.data = trial.data;
  job.data_xxh3 = trial.data_xxh3;
  job.method = trial.method.text();
  job.bound = trial.bound.text();
  for (const BoundRule& rule : trial.bound.rules) job.rules.push_back(rule.glob + "=" + rule.bound.text);
  job.threads = trial.threads;
  job.repeat = repeat;
  job.memory_B = memory_B_;
  job.output = scratch_file_;
  job.histograms = repeat == 0;  // once is enough, and they are most of a record's size
  job.machine = machine_;
  job.estimate = estimate_;
  job.external = trial.external;
  if (const auto version = versions_.find(job.method); version != versions_.end()) job.version = version->second;

  const ProcessResult process =
      run_process(program_, {"study-worker"}, nlohmann::json{{"run", job}}.dump(), timeout_s, signals_);
  ::unlink(scratch_file_.c_str());  // one that was killed could not do it
  std::error_code ignored;
  std::filesystem::remove_all(scratch_file_ + ".d", ignored);
  if (process.interrupted) return std::nullopt;
  if (!process.last_words.empty()) log::detail(trial.label + ": " + last_line(process.last_words));
  RunRecord run;
  if (process.exit_code == 0 && !process.output.empty()) {
    try {
      run = nlohmann::json::parse(process.output).get<RunRecord>();
    } catch (const nlohmann::json::exception& e) {
      run = failed_record(job, std::string("its record cannot be read: ") + e.what());
    }
  } else {
    run = failed_record(job, explain_death(process, timeout_s));
  }
  run.counts["worker_wall_s"] = process.wall_s;
  return run;
}

Environment Launcher::environment(const std::vector<std::string>& methods,
                                  const std::vector<ExternalMethod>& external) {
  bool trainer = false;
  for (const std::string& name : methods) trainer = trainer || name == "baler";
  const nlohmann::json asked = {
      {"environment",
       {{"methods", methods}, {"trainer", trainer}, {"external", external}, {"scratch", scratch_file_ + ".version"}}}};
  const ProcessResult process = run_process(program_, {"study-worker"}, asked.dump(), environment_timeout_s, signals_);
  Environment e;
  const nlohmann::json answer = nlohmann::json::parse(process.output, nullptr, false);
  if (process.exit_code != 0 || !answer.is_object()) return e;
  answer.at("libraries").get_to(e.libraries);
  answer.at("warnings").get_to(e.warnings);
  versions_ = e.libraries;
  return e;
}

}  // namespace haywatt::experiment
