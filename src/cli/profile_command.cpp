#include <fmt/format.h>

#include <cstdio>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/commands.hpp"
#include "cli/estimate_options.hpp"
#include "cli/profile_method.hpp"
#include "cli/profile_program.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/base/log.hpp"
#include "haywatt/experiment/profile.hpp"
#include "haywatt/report/report.hpp"

namespace haywatt::cli {
namespace {

constexpr std::size_t rows_shown = 25;

struct Arguments {
  std::vector<std::string> words;  ///< METHOD DATA, or the program's
  ProfileProgramArguments program;
  ProfileMethodArguments method;
  bool json = false;
};

int profile_operators(Arguments a) {
  a.method.method = a.words[0];
  a.method.data = a.words[1];
  ProfileOutputs outputs(a.program.files);
  check_watts(a.method.estimate);
  ProfileRecord record = profile_method(a.method);
  record.stacks = experiment::operator_stacks(record);
  const std::vector<std::string> files = outputs.write(record);
  const std::string text =
      a.json ? nlohmann::json(record).dump(1) + "\n"
             : report::operator_summary(record, log::level() == log::Level::Verbose ? SIZE_MAX : rows_shown);
  std::fputs(text.c_str(), stdout);  // main() tells a failure
  for (const std::string& file : files) log::info("written: " + file);
  if (record.run.status != "ok") fail_input(a.words[1] + ": " + record.run.reason);
  return 0;
}

int profile(const Arguments& a, bool program) {
  if (program) {
    if (a.json) fail_usage("--json is for METHOD DATA: a program's standard output is its own, use -o FILE.json");
    if (!a.method.bounds.empty()) fail_usage("--bound is for METHOD DATA");
    ProfileProgramArguments p = a.program;
    p.program.command = a.words;
    p.program.estimate = a.method.estimate;
    return profile_program(p);
  }
  if (a.words.size() != 2)
    fail_usage(
        "profile takes METHOD and DATA, or -- and a program: haywatt profile baler jets.npz, haywatt profile -- " +
        a.words[0] + " …");
  return profile_operators(a);
}

}  // namespace

void add_profile(CLI::App& app, Action& action, bool program) {
  auto a = std::make_shared<Arguments>();
  CLI::App* c = app.add_subcommand("profile", "Which operator of a method, or which function of a program, costs what");
  c->add_option("METHOD DATA | -- CMD", a->words,
                "A method and a table to compress with it; or -- and a program with its arguments")
      ->required();
  c->add_option("-o,--output", a->program.files.record, "File for the record as JSON (docs/profile.md)")
      ->type_name("FILE.json");
  c->add_option("--html", a->program.files.html, "File for the report")->type_name("FILE.html");
  c->add_option("--folded", a->program.files.folded, "File for the stacks, one a line, as flame graph tools read them")
      ->type_name("FILE");
  c->add_option("--speedscope", a->program.files.speedscope, "File for the stacks in speedscope's format")
      ->type_name("FILE.json");
  c->add_option("--chrome", a->program.files.chrome,
                "File for the operators' calls over time, or a program's call tree, as a trace for Perfetto")
      ->type_name("FILE.json");
  c->add_option("--csv", a->program.files.csv, "File for the operators, or a program's functions, as a table")
      ->type_name("FILE.csv");
  c->add_flag("--force", a->program.files.force, "Replace files that exist");
  c->add_option("--bound", a->method.bounds, "Of a method: GLOB=KIND:VALUE or KIND:VALUE (docs/plan.md)")
      ->type_name("RULE");
  add_threads(*c, a->method.threads);
  c->add_flag("--json", a->json, "Of a method: print the record as JSON");
  c->add_option("--rate", a->program.sampling.rate_Hz, "Of a program: samples a second of CPU time")
      ->check(CLI::Range(1.0, 1000.0))
      ->capture_default_str()
      ->type_name("HZ");
  using By = trace::SamplingOptions::By;
  c->add_option("--by", a->program.sampling.by, "Of a program: how to sample (default: perf_event, else ptrace)")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, By>{{"perf_event", By::PerfEvent}, {"ptrace", By::Ptrace}}, CLI::ignore_case))
      ->type_name("perf_event|ptrace");
  add_estimate_options(*c, a->method.estimate);
  if (program) c->positionals_at_end();
  add_verbosity(*c);
  c->footer(
      "Examples:\n"
      "  haywatt profile baler:epochs=1 jets.npz --html profile.html\n"
      "  haywatt profile zstd:level=19 jets.npz --bound range:1e-3 --folded stacks.txt\n"
      "  haywatt profile -- ./simulate --events 1000\n"
      "  haywatt profile --folded stacks.txt -- make -j4\n"
      "\nA program's streams and exit code are its own, as with 'haywatt meter'.");
  c->callback([a, program, &action] { action = [a, program] { return profile(*a, program); }; });
}

}  // namespace haywatt::cli
