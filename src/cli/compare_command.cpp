#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.hpp"
#include "cli/compare_text.hpp"
#include "cli/estimate_options.hpp"
#include "cli/signal_memory.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/base/file.hpp"
#include "haywatt/base/log.hpp"
#include "haywatt/base/progress.hpp"
#include "haywatt/base/text.hpp"
#include "haywatt/experiment/compare.hpp"
#include "haywatt_version.hpp"

namespace haywatt::cli {
namespace {

struct Arguments {
  std::vector<std::string> commands, stored_a, stored_b;
  std::string precision = "3%", budget, fail_if_worse, on, output;
  experiment::CompareOptions options;
  meter::EstimateOptions estimate;
  int interval_ms = 50;
  bool show_output = false, json = false, force = false;
};

double share_of(const std::string& text, const char* option) {
  const bool per_cent = !text.empty() && text.back() == '%';
  std::string digits = per_cent ? text.substr(0, text.size() - 1) : text;
  while (!digits.empty() && digits.back() == ' ') digits.pop_back();
  const auto value = parse_double(digits);
  if (!per_cent || !value || !(*value >= 0.0) || *value > 1000.0)
    fail_usage(fmt::format("{} '{}': write a percentage such as 3%", option, text));
  return *value / 100.0;
}

experiment::CompareOn metric_of(const std::string& name) {
  if (name == "energy") return experiment::CompareOn::Energy;
  if (name == "time") return experiment::CompareOn::Time;
  if (name == "cpu") return experiment::CompareOn::Cpu;
  if (name == "memory") return experiment::CompareOn::Memory;
  return experiment::CompareOn::Automatic;
}

void read_options(Arguments& a) {
  a.options.precision = share_of(a.precision, "--precision");
  if (a.options.precision == 0.0) fail_usage("--precision 0% is never reached: write a percentage such as 3%");
  if (!a.fail_if_worse.empty()) a.options.fail_if_worse = share_of(a.fail_if_worse, "--fail-if-worse");
  if (!a.budget.empty()) {
    a.options.budget_s = parse_duration_s(a.budget);
    if (!a.options.budget_s) fail_usage("--budget '" + a.budget + "': write a duration such as 90s or 5m");
  }
  a.options.on = metric_of(a.on);
}

bool is_stored(const std::string& argument) {
  std::error_code ignored;
  return std::filesystem::is_directory(argument, ignored) ||
         (argument.ends_with(".json") && std::filesystem::is_regular_file(argument, ignored));
}

/// Two arguments that both are files or folders of stored runs stand for --a and --b.
void sort_arguments(Arguments& a) {
  const bool named = !a.stored_a.empty() || !a.stored_b.empty();
  if (named && (!a.commands.empty() || a.stored_a.empty() || a.stored_b.empty()))
    fail_usage("stored runs: give --a FILE… and --b FILE…, and no commands");
  if (named) return;
  if (a.commands.size() != 2)
    fail_usage(fmt::format("{} arguments: give two commands, each in quotes: haywatt compare 'CMD A' 'CMD B'",
                           a.commands.size()));
  const bool first = is_stored(a.commands[0]), second = is_stored(a.commands[1]);
  if (first != second)
    fail_usage("one argument is a file or folder of stored runs and the other is not: give two of a kind");
  if (!first) return;
  a.stored_a = {a.commands[0]};
  a.stored_b = {a.commands[1]};
  a.commands.clear();
}

ComparisonRecord run_comparison(const Arguments& a) {
  using Clock = std::chrono::steady_clock;
  ComparedSide side_a{a.commands[0], experiment::command_words(a.commands[0]), {}};
  ComparedSide side_b{a.commands[1], experiment::command_words(a.commands[1]), {}};
  experiment::CompareWorld world;
  world.machine = describe_machine();
  world.haywatt_version = version;
  meter::check_estimate_options(a.estimate, world.machine);
  close_standard_input();
  Progress progress("compare");
  const SignalMemory signals;
  world.run = [&](char side) {
    meter::ProgramOptions o;
    o.command = side == 'A' ? side_a.words : side_b.words;
    o.interval_ms = a.interval_ms;
    o.estimate = a.estimate;
    o.streams = a.show_output ? meter::ProgramOptions::Streams::Inherit : meter::ProgramOptions::Streams::Discard;
    meter::ProgramResult result = meter::meter_program(world.machine, o);
    if (result.interrupted_by != 0) SignalMemory::remember(result.interrupted_by);
    return result;
  };
  world.now_s = [] { return std::chrono::duration<double>(Clock::now().time_since_epoch()).count(); };
  world.stop_asked = [] { return SignalMemory::received() != 0; };
  world.progress = [&](double share, std::string_view item) { progress.update(share, item); };
  return experiment::compare_commands(side_a, side_b, a.options, world);
}

ComparisonRecord read_comparison(const Arguments& a) {
  ComparedSide side_a, side_b;
  const auto runs_a = experiment::load_runs(a.stored_a, side_a), runs_b = experiment::load_runs(a.stored_b, side_b);
  return experiment::compare_stored(side_a, runs_a, side_b, runs_b, a.options);
}

int compare(Arguments& a) {
  read_options(a);
  sort_arguments(a);
  check_watts(a.estimate);
  if (a.commands.empty() && (a.estimate.tdp_W || a.estimate.idle_W))
    fail_usage("--tdp and --idle-watts are for commands: stored runs keep the estimate they were made with");
  // Made before anything runs: it tells now what would be known too late after minutes.
  std::unique_ptr<AtomicFile> file;
  if (!a.output.empty())
    file =
        std::make_unique<AtomicFile>(a.output, a.force ? AtomicFile::Existing::Replace : AtomicFile::Existing::Refuse);
  const ComparisonRecord record = a.commands.empty() ? read_comparison(a) : run_comparison(a);
  if (record.metrics.empty()) {
    log::error("interrupted before the first pair was made: nothing to compare");
    return 128 + SignalMemory::received();
  }
  const std::string as_json = nlohmann::json(record).dump(1) + "\n";
  if (file) {
    file->append(as_byte_span(as_json));
    file->commit();
  }
  const std::string text = a.json ? as_json : comparison_text(record);
  std::fwrite(text.data(), 1, text.size(), stdout);
  if (SignalMemory::received() != 0) return 128 + SignalMemory::received();
  return record.worse ? static_cast<int>(ErrorKind::CheckFailed) : 0;
}

}  // namespace

void add_compare(CLI::App& app, Action& action) {
  auto a = std::make_shared<Arguments>();
  CLI::App* c = app.add_subcommand("compare", "Run two commands in turn and tell how much less the second one needs");
  c->add_option("CMD", a->commands, "Commands A and B, each in quotes; or two files or folders of stored runs");
  c->add_option("--a", a->stored_a, "Stored runs of A: files of 'haywatt meter -o', or folders of them")
      ->type_name("FILE");
  c->add_option("--b", a->stored_b, "Stored runs of B")->type_name("FILE");
  c->add_option("--precision", a->precision, "Run pairs until the 95 % interval is no wider than ± this")
      ->capture_default_str()
      ->type_name("P%");
  c->add_option("--budget", a->budget, "End within this time (default: 60s, or 6 pairs if they take longer)")
      ->type_name("TIME");
  c->add_option("--pairs", a->options.pairs, "Run exactly so many pairs")->check(CLI::Range(1, 1000))->type_name("N");
  c->add_option("--on", a->on, "What decides: energy, time, cpu or memory (default: energy if a sensor measures it)")
      ->check(CLI::IsMember({"energy", "time", "cpu", "memory"}))
      ->type_name("METRIC");
  c->add_option("--fail-if-worse", a->fail_if_worse, "Exit 1 if B surely needs more than this above A")
      ->type_name("P%");
  c->add_option("--warm-up", a->options.warm_up, "Runs of each that are not counted")
      ->check(CLI::Range(0, 100))
      ->capture_default_str()
      ->type_name("N");
  c->add_option("--seed", a->options.seed, "Of the order within the pairs")->capture_default_str()->type_name("N");
  c->add_option("--interval", a->interval_ms, "Milliseconds between two looks at the processes")
      ->check(CLI::Range(1, 60'000))
      ->capture_default_str()
      ->type_name("MS");
  add_estimate_options(*c, a->estimate);
  c->add_flag("--allow-failure", a->options.allow_failure, "Count runs that end with a code other than 0");
  c->add_flag("--show-output", a->show_output, "Let the commands print (default: their output is discarded)");
  c->add_option("-o,--output", a->output, "File for the whole record as JSON (docs/compare.md)")
      ->type_name("FILE.json");
  c->add_flag("--force", a->force, "Replace FILE.json if it exists");
  c->add_flag("--json", a->json, "Print the record as JSON");
  add_verbosity(*c);
  c->footer(
      "Ctrl-C ends it and reports the pairs made so far.\n"
      "\n"
      "Examples:\n"
      "  haywatt compare 'gzip -9 -c data.bin' 'gzip -1 -c data.bin'\n"
      "  haywatt compare --precision 1% --budget 5m './old input' './new input'\n"
      "  haywatt compare --fail-if-worse 5% -o compare.json './base' './head'\n"
      "  haywatt compare --a old1.json old2.json --b new1.json new2.json");
  c->callback([a, &action] { action = [a] { return compare(*a); }; });
}

}  // namespace haywatt::cli
