#include "haywatt/experiment/study.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "experiment/clock.hpp"
#include "experiment/folder.hpp"
#include "experiment/launcher.hpp"
#include "experiment/process.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/base/file.hpp"
#include "haywatt/base/log.hpp"
#include "haywatt/base/progress.hpp"
#include "haywatt/data/table_io.hpp"
#include "haywatt/exec/pool.hpp"
#include "haywatt/experiment/schedule.hpp"
#include "haywatt_version.hpp"

namespace haywatt::experiment {
namespace {

/// Trials that run in less than this, all together, are run once unrecorded before the first round, so that no trial
/// pays for cold caches.
constexpr double warm_up_s = 8.0;
constexpr double warm_up_run_s = 2.0;

std::string file_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

/// Of a whole run. The commands of an external method have a limit each; what lies between them is ours.
double time_limit_s(const Trial& trial, const Plan& plan) {
  return trial.external ? 3.0 * trial.external->timeout_s + plan.timeout_s : plan.timeout_s;
}

std::string title_of(const Plan& plan) {
  if (!plan.title.empty()) return plan.title;
  std::string title;
  for (const std::string& path : plan.data) title += (title.empty() ? "" : ", ") + file_name(path);
  return title;
}

std::vector<TableFacts> look_at(const Plan& plan) {
  std::vector<TableFacts> tables;
  for (const std::string& path : plan.data) {
    const auto reader = open_table(path, {plan.memory_B / 4});
    if (reader->schema().columns.empty() || reader->schema().rows() == 0)
      fail_input(path + " has no values to compress");
    tables.push_back({path, fmt::format("{:016x}", xxh3_of_file(path)), reader->schema()});
  }
  return tables;
}

/// The study as it goes: what is done, what is left, how long things take.
class Course {
 public:
  Course(const StudyRequest& request, std::vector<Trial> trials, StudyFolder& folder, Launcher& launcher)
      : request_(request),
        trials_(std::move(trials)),
        folder_(folder),
        launcher_(launcher),
        first_(trials_.size()),
        repeats_(trials_.size(), request.plan.repeats > 0 ? request.plan.repeats : quick_repeats),
        bar_("study " + title_of(request.plan)) {
    const auto study = folder.store().study();
    if (study)
      for (const RunRecord& run : study->runs) remember(run);
  }

  /// Runs everything that is left; false if a signal ended it.
  bool run() {
    if (!all_first_runs_known() && !warm_up()) return false;
    for (int round = 0; round < rounds(); ++round) {
      for (const std::size_t i : shuffled_order(trials_.size(), request_.plan.seed, round))
        if (round < repeats_[i] && !is_done(i, round) && !run_one(i, round)) return false;
      if (round == 0) plan_repeats();
    }
    return true;
  }

  [[nodiscard]] std::size_t done() const { return done_.size(); }
  [[nodiscard]] std::size_t planned() const {
    std::size_t n = 0;
    for (const int r : repeats_) n += static_cast<std::size_t>(r);
    return n;
  }

 private:
  [[nodiscard]] int rounds() const { return *std::max_element(repeats_.begin(), repeats_.end()); }
  [[nodiscard]] bool is_done(std::size_t i, int round) const { return done_.contains(trials_[i].key(round)); }
  [[nodiscard]] bool all_first_runs_known() const {
    return std::all_of(first_.begin(), first_.end(), [](const auto& f) { return f.has_value(); });
  }

  /// Resuming: the same decisions as if the study had not been interrupted.
  void remember(const RunRecord& run) {
    for (std::size_t i = 0; i < trials_.size(); ++i) {
      if (trials_[i].key(run.repeat) != run.id) continue;
      note(i, run);
      return;
    }
  }

  void note(std::size_t i, const RunRecord& run) {
    done_.insert(run.id);
    if (run.repeat > 0) return;
    const auto seconds = run.counts.find("worker_wall_s");
    first_[i] = FirstRun{seconds != run.counts.end() ? seconds->second : run.wall_s, run.status != "ok"};
    if (all_first_runs_known()) plan_repeats();
  }

  void plan_repeats() {
    std::vector<FirstRun> first;
    for (const auto& f : first_) first.push_back(f.value_or(FirstRun{}));
    repeats_ = choose_repeats(first, request_.plan.repeats, request_.plan.budget_s);
  }

  bool warm_up() {
    const double start_s = monotonic_s();
    for (const std::size_t i : shuffled_order(trials_.size(), request_.plan.seed, -1)) {
      if (monotonic_s() - start_s > warm_up_s) break;
      bar_.update(share(), "warming up");
      if (!launcher_.run(trials_[i], 0, warm_up_run_s)) return false;
    }
    return true;
  }

  bool run_one(std::size_t i, int round) {
    bar_.update(share(), fmt::format("{}/{} {}", done() + 1, planned(), trials_[i].label));
    const auto run = launcher_.run(trials_[i], round, time_limit_s(trials_[i], request_.plan));
    if (!run) return false;
    folder_.store().put_run(run->id, *run);
    note(i, *run);
    if (run->status != "ok") log::warning(fmt::format("{} failed: {}", run->label, run->reason));
    bar_.update(share(), trials_[i].label);
    return true;
  }

  /// Of the time, not of the runs: slow methods weigh more. A trial not yet run counts as the mean of the others.
  [[nodiscard]] double share() const {
    double known_s = 0.0;
    double n = 0.0;
    for (const auto& f : first_)
      if (f) known_s += f->seconds, n += 1.0;
    const double mean_s = n > 0.0 ? known_s / n : 1.0;
    double all_s = 0.0;
    double done_s = 0.0;
    for (std::size_t i = 0; i < trials_.size(); ++i) {
      const double seconds = first_[i] ? first_[i]->seconds : mean_s;
      all_s += seconds * repeats_[i];
      for (int r = 0; r < repeats_[i]; ++r)
        if (is_done(i, r)) done_s += seconds;
    }
    return all_s > 0.0 ? done_s / all_s : 0.0;
  }

  const StudyRequest& request_;
  std::vector<Trial> trials_;
  StudyFolder& folder_;
  Launcher& launcher_;
  std::set<std::string> done_;
  std::vector<std::optional<FirstRun>> first_;
  std::vector<int> repeats_;
  Progress bar_;
};

/// What the libraries say of themselves, asked of a worker: the study itself loads no plug-in.
void add_environment(StudyRecord& record, const std::vector<Trial>& trials, Launcher& launcher) {
  std::set<std::string> methods;
  std::map<std::string, ExternalMethod> external;
  for (const Trial& t : trials)
    if (t.external)
      external.emplace(t.external->name, *t.external);
    else
      methods.insert(t.method.name);
  std::vector<ExternalMethod> programs;
  for (const auto& [name, method] : external) programs.push_back(method);
  const Environment e = launcher.environment({methods.begin(), methods.end()}, programs);
  for (const auto& [name, version_text] : e.libraries) record.machine.libraries[name] = version_text;
  for (const std::string& warning : e.warnings) log::warning(warning);
}

}  // namespace

StudyOutcome run_study(const StudyRequest& request) {
  const std::vector<TableFacts> tables = look_at(request.plan);
  const Expansion expansion = expand(request.plan, tables);

  StudyHeader header;
  header.identity = plan_identity(request.plan, expansion.trials);
  header.record.title = title_of(request.plan);
  header.record.command = request.command;
  header.record.plan_toml = plan_as_ran(request.plan, tables, expansion.trials);
  header.record.started = utc_now();
  header.record.haywatt_version = version;
  header.record.machine = describe_machine();
  header.record.machine.cpu_quota = exec::cpu_quota();
  meter::check_estimate_options(request.plan.estimate, header.record.machine);

  StudyOutcome outcome;
  SignalWatch signals;
  StudyFolder folder(request.folder, header, request.force);
  if (folder.finished()) {
    outcome.study = folder.store().study().value();
    outcome.found_finished = true;
    outcome.kept = outcome.planned = outcome.study.runs.size();
    return outcome;
  }
  for (const std::string& note : expansion.notes) log::info(note);
  if (folder.resumed()) {
    header.record = *folder.resumed();
    log::info(fmt::format("resuming {}: {} runs are there", request.folder, header.record.runs.size()));
    header.record.runs.clear();
  }

  Launcher launcher(request.worker, header.record.machine, folder.scratch_file(), request.plan.memory_B,
                    request.plan.estimate, signals);
  add_environment(header.record, expansion.trials, launcher);
  folder.store().put_study(header.record);
  bool finished = false;
  {
    Course course(request, expansion.trials, folder, launcher);
    finished = signals.received() == 0 && course.run();
    outcome.kept = course.done();
    outcome.planned = course.planned();
  }
  if (finished)
    folder.store().mark_finished(utc_now());
  else
    outcome.interrupted_by = signals.received();
  outcome.study = folder.store().study().value();
  return outcome;
}

std::string default_folder(const std::string& data_or_plan) {
  std::string stem = file_name(data_or_plan);
  if (stem.ends_with(".gz")) stem.resize(stem.size() - 3);
  const auto dot = stem.rfind('.');
  if (dot != std::string::npos && dot > 0) stem.resize(dot);
  return "./" + stem + "-study";
}

StudyRecord load_study(const std::string& folder) {
  const auto study = StudyStore::open(store_path(folder))->study();
  if (!study) fail_input(folder + " holds no study yet");
  return *study;
}

}  // namespace haywatt::experiment
