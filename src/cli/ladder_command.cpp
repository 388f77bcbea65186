#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.hpp"
#include "cli/signal_memory.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/base/file.hpp"
#include "haywatt/base/log.hpp"
#include "haywatt/base/progress.hpp"
#include "haywatt/base/text.hpp"
#include "haywatt/experiment/ladder.hpp"
#include "haywatt/report/report.hpp"
#include "haywatt_version.hpp"

namespace haywatt::cli {
namespace {

struct Arguments {
  std::string plan, folder = "ladder", table = "examples/jets.npz", rows = "20000", rungs, phases, budget = "20m";
  std::vector<std::string> settings;
  std::string improvements;
  int rounds = 6, interval_ms = 50;
  bool list = false, json = false;
};

std::vector<std::string> names_in(const std::string& text) {
  return text.empty() ? std::vector<std::string>{} : split(text, ',');
}

experiment::LadderPlan plan_of(const Arguments& a) {
  if (a.plan.empty() || a.plan == "baler") return experiment::baler_ladder();
  if (a.plan == "libtorch") return experiment::libtorch_ladder();
  return experiment::parse_ladder(read_text_file(a.plan, 1 << 20), a.plan);
}

experiment::LadderOptions options_of(const Arguments& a) {
  experiment::LadderOptions o;
  o.folder = a.folder;
  o.table = a.table;
  o.rungs = names_in(a.rungs);
  o.phases = names_in(a.phases);
  o.rounds = a.rounds;
  for (const std::string& n : split(a.rows, ',')) {
    const auto rows = parse_u64(n);
    if (!rows || *rows == 0) fail_usage("--rows '" + a.rows + "': write sizes such as 20000,200000");
    o.rows.push_back(*rows);
  }
  const auto budget = parse_duration_s(a.budget);
  if (!budget) fail_usage("--budget '" + a.budget + "': write a duration such as 90s or 20m");
  o.budget_s = *budget;
  o.variables["haywatt"] = std::filesystem::read_symlink("/proc/self/exe").string();
  for (const std::string& setting : a.settings) {
    const std::size_t equals = setting.find('=');
    if (equals == std::string::npos || equals == 0) fail_usage("--set '" + setting + "': write NAME=VALUE");
    o.variables[setting.substr(0, equals)] = setting.substr(equals + 1);
  }
  return o;
}

/// Where Python's Baler is not there and none was asked for by name, libtorch stands in.
experiment::LadderPlan plan_that_runs(const Arguments& a, const experiment::LadderOptions& options) {
  experiment::LadderPlan plan = plan_of(a);
  if (!a.plan.empty()) return plan;
  std::map<std::string, std::string> values = plan.variables;
  for (const auto& [name, value] : options.variables) values[name] = value;
  const auto needs = plan.needs.find("openblas");
  for (const experiment::LadderNeed& need : needs->second)
    if (experiment::run_in_shell(experiment::expand(need.run, values)).exit_code != 0) {
      log::warning(need.why + "; libtorch stands in for it ('haywatt ladder baler' insists)");
      return experiment::libtorch_ladder();
    }
  return plan;
}

LadderRecord climb(const Arguments& a) {
  using Clock = std::chrono::steady_clock;
  const experiment::LadderOptions options = options_of(a);
  const experiment::LadderPlan plan = plan_that_runs(a, options);
  experiment::LadderWorld world;
  world.machine = describe_machine();
  world.haywatt_version = version;
  close_standard_input();
  Progress progress("ladder");
  const SignalMemory signals;
  world.run = [&](const std::vector<std::string>& words, const std::string& workload) {
    meter::ProgramOptions o;
    o.command = words;
    o.workload = workload;
    o.interval_ms = a.interval_ms;
    o.streams = meter::ProgramOptions::Streams::Discard;
    meter::ProgramResult result = meter::meter_program(world.machine, o);
    if (result.interrupted_by != 0) SignalMemory::remember(result.interrupted_by);
    return result;
  };
  world.shell = [](const std::string& command) {
    experiment::ShellResult result = experiment::run_in_shell(command);
    if (result.interrupted_by != 0) SignalMemory::remember(result.interrupted_by);
    return result;
  };
  world.now_s = [] { return std::chrono::duration<double>(Clock::now().time_since_epoch()).count(); };
  world.stop_asked = [] { return SignalMemory::received() != 0; };
  world.progress = [&](double share, std::string_view item) { progress.update(share, item); };
  return experiment::climb(plan, options, world);
}

int list_rungs(const experiment::LadderPlan& plan) {
  for (const LadderRung& r : plan.rungs) {
    std::string phases;
    for (const std::string& p : plan.phases)
      if (r.concerns(p)) phases += (phases.empty() ? "" : ", ") + p;
    fmt::print("{:<18} {}{} [{}]\n", r.id, r.title, r.side ? " (side)" : "", phases);
  }
  return 0;
}

int ladder(const Arguments& a) {
  if (a.list) return list_rungs(plan_of(a));
  const LadderRecord record = climb(a);
  const std::string text = a.json ? nlohmann::json(record).dump(1) + "\n" : report::to_text(record);
  std::fwrite(text.data(), 1, text.size(), stdout);
  if (!a.improvements.empty()) write_text_file(a.improvements, report::to_improvements(record));
  if (record.stopped_by == "interrupted") return 128 + SignalMemory::received();
  return 0;
}

}  // namespace

void add_ladder(CLI::App& app, Action& action) {
  auto a = std::make_shared<Arguments>();
  CLI::App* c = app.add_subcommand("ladder", "Measure what each change to a program gains, one on top of the other");
  c->add_option("PLAN", a->plan,
                "baler, libtorch (it imitates Baler where there is no Python), or a file (docs/ladder.md)");
  c->add_option("-o,--output", a->folder, "Folder for ladder.json and what the rungs make; an old one is resumed")
      ->capture_default_str()
      ->type_name("DIR");
  c->add_option("--table", a->table, "Table whose first rows are used")->capture_default_str()->type_name("FILE.npz");
  c->add_option("--rows", a->rows, "Sizes; larger ones repeat the rows of the smallest")
      ->capture_default_str()
      ->type_name("N,…");
  c->add_option("--rungs", a->rungs, "Only these rungs (default: all)")->type_name("ID,…");
  c->add_option("--phases", a->phases, "Only these phases (default: all)")->type_name("NAME,…");
  c->add_option("--rounds", a->rounds,
                "Runs of each rung, beside each other in rounds; 0: look only at what each makes")
      ->check(CLI::Range(0, 100))
      ->capture_default_str()
      ->type_name("N");
  c->add_option("--budget", a->budget, "End within this time; what was measured stays, and the next call goes on")
      ->capture_default_str()
      ->type_name("TIME");
  c->add_option("--set", a->settings, "A variable of the plan, such as package=FOLDER")->type_name("NAME=VALUE");
  c->add_option("--interval", a->interval_ms, "Milliseconds between two looks at the processes")
      ->check(CLI::Range(1, 60'000))
      ->capture_default_str()
      ->type_name("MS");
  c->add_option("--write-improvements", a->improvements, "Write the list of improvements for the program's maintainers")
      ->type_name("FILE.md");
  c->add_flag("--list", a->list, "List the rungs and run nothing");
  c->add_flag("--json", a->json, "Print the record as JSON");
  add_verbosity(*c);
  c->footer(
      "Ctrl-C ends it; what was measured stays in the folder, and the same command goes on from there.\n"
      "\n"
      "Examples:\n"
      "  haywatt ladder --list\n"
      "  haywatt ladder --rows 20000,200000 -o baler-ladder\n"
      "  haywatt ladder --rungs baler,openblas --phases train --rounds 3\n"
      "  haywatt ladder libtorch -o libtorch-ladder\n"
      "  haywatt report baler-ladder");
  c->callback([a, &action] { action = [a] { return ladder(*a); }; });
}

}  // namespace haywatt::cli
