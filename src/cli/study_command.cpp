#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "cli/commands.hpp"
#include "cli/estimate_options.hpp"
#include "cli/study_reports.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/base/file.hpp"
#include "haywatt/base/log.hpp"
#include "haywatt/experiment/study.hpp"

namespace haywatt::cli {
namespace {

struct Arguments {
  std::string input, folder, methods, bounds;
  int repeats = 0;
  int threads = 0;
  meter::EstimateOptions estimate;
  bool force = false, json = false;
};

/// So that the command in the record can be pasted into a shell.
std::string quoted(const std::string& word) {
  constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,+@%^";
  if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) return word;
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string command_line(const Arguments& a) {
  std::string line = "haywatt study " + quoted(a.input);
  if (!a.folder.empty()) line += " -o " + quoted(a.folder);
  if (!a.methods.empty()) line += " --methods " + quoted(a.methods);
  if (!a.bounds.empty()) line += " --bounds " + quoted(a.bounds);
  if (a.repeats > 0) line += fmt::format(" --repeats {}", a.repeats);
  if (a.threads > 0) line += fmt::format(" --threads {}", a.threads);
  if (a.estimate.tdp_W) line += fmt::format(" --tdp {}", *a.estimate.tdp_W);
  if (a.estimate.idle_W) line += fmt::format(" --idle-watts {}", *a.estimate.idle_W);
  return line;
}

experiment::Plan make_plan(const Arguments& a) {
  experiment::Plan plan;
  if (a.input.ends_with(".toml"))
    plan = experiment::parse_plan(read_text_file(a.input, std::uint64_t{1} << 24), a.input);
  else
    plan.data = {a.input};
  if (!a.methods.empty()) plan.methods = experiment::parse_method_list(a.methods);
  if (!a.bounds.empty()) {
    plan.bounds = experiment::parse_bound_list(a.bounds);
    for (experiment::PlannedMethod& method : plan.methods) method.bounds.reset();
  }
  if (a.repeats > 0) plan.repeats = a.repeats;
  if (a.threads > 0) plan.threads = {a.threads};
  if (a.estimate.tdp_W) plan.estimate.tdp_W = a.estimate.tdp_W;
  if (a.estimate.idle_W) plan.estimate.idle_W = a.estimate.idle_W;
  return plan;
}

void print_results(const experiment::StudyOutcome& outcome, const std::string& folder, bool json) {
  const std::string text = json ? render_report(outcome.study, "json")
                                : result_table(outcome.study) + "report: " + folder + "/report.html\n";
  std::fputs(text.c_str(), stdout);  // main() tells a failure
}

int study(const Arguments& a) {
  check_watts(a.estimate);
  experiment::StudyRequest request;
  request.plan = make_plan(a);
  request.folder = a.folder.empty() ? experiment::default_folder(a.input) : a.folder;
  request.force = a.force;
  request.command = command_line(a);
  const experiment::StudyOutcome outcome = experiment::run_study(request);
  if (outcome.interrupted_by != 0) {
    log::error(fmt::format("interrupted: {} of {} runs kept; the same command resumes", outcome.kept, outcome.planned));
    return 128 + outcome.interrupted_by;
  }
  if (outcome.found_finished) log::info(request.folder + " holds this study, finished; --force runs it again");
  if (!outcome.found_finished || !has_reports(request.folder)) write_reports(request.folder, outcome.study);
  print_results(outcome, request.folder, a.json);
  const auto& runs = outcome.study.runs;
  if (!runs.empty() && std::all_of(runs.begin(), runs.end(), [](const RunRecord& r) { return r.status != "ok"; }))
    fail_check("no run of the study succeeded; the reasons are in " + request.folder + "/report.html");
  return 0;
}

}  // namespace

void add_study(CLI::App& app, Action& action) {
  auto a = std::make_shared<Arguments>();
  CLI::App* c = app.add_subcommand(
      "study", "Compress a table with every method and bound, metered and repeated, and write a report");
  c->add_option("DATA|PLAN.toml", a->input, "Table to study (.npz .npy .csv .csv.gz), or a plan (docs/plan.md)")
      ->required();
  c->add_option("-o,--output", a->folder, "Folder of the study (default: ./<name>-study)")->type_name("DIR");
  c->add_option("--methods", a->methods,
                "Methods, NAME[:key=value,…],… (default: all that apply; see 'haywatt methods')")
      ->type_name("A,B");
  c->add_option("--bounds", a->bounds, "Error bounds (default: lossless,range:1e-3; baler: none,range:1e-3)")
      ->type_name("BOUND,BOUND");
  c->add_option("--repeats", a->repeats, "Runs of each method and bound (default: 6 if quick, else as time allows)")
      ->check(CLI::Range(1, 10000))
      ->type_name("N");
  c->add_option("--threads", a->threads, "Threads of each run (default: the CPUs this process may use)")
      ->check(CLI::Range(1, 1024))
      ->type_name("N");
  add_estimate_options(*c, a->estimate);
  c->add_flag("--force", a->force, "Replace a different or finished study in the folder");
  c->add_flag("--json", a->json, "Print metrics.json (docs/records.md) instead of the table");
  add_verbosity(*c);
  c->footer(
      "Ctrl-C keeps the runs made so far; the same command then resumes.\n"
      "\n"
      "Examples:\n"
      "  haywatt study jets.npz\n"
      "  haywatt study jets.npz --methods zstd,zstd:level=19,zfp --bounds lossless,range:1e-4 -o quick\n"
      "  haywatt study jets.npz --idle-watts 41      # what a wall meter shows of the idle machine\n"
      "  haywatt study plan.toml");
  c->callback([a, &action] { action = [a] { return study(*a); }; });
}

}  // namespace haywatt::cli
