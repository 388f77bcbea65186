#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.hpp"
#include "cli/estimate_options.hpp"
#include "cli/meter_summary.hpp"
#include "haywatt/base/bytes.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/base/file.hpp"
#include "haywatt/base/log.hpp"
#include "haywatt/base/text.hpp"
#include "haywatt/meter/program_meter.hpp"
#include "haywatt_version.hpp"

namespace haywatt::cli {
namespace {

struct Arguments {
  meter::ProgramOptions options;
  std::string output, idle;
  bool force = false;
};

void check(Arguments& a) {
  if (!a.idle.empty()) {
    const auto idle_s = parse_duration_s(a.idle);
    if (!idle_s) fail_usage("--idle '" + a.idle + "': write a duration such as 5s, 500ms or 1m");
    a.options.idle_s = *idle_s;
  }
  check_watts(a.options.estimate);
}

int meter_it(const Arguments& a, const meter::ProgramOrigin& origin) {
  // Made before the program runs: what stands in its way is told now, not after hours.
  std::unique_ptr<AtomicFile> file;
  if (!a.output.empty())
    file =
        std::make_unique<AtomicFile>(a.output, a.force ? AtomicFile::Existing::Replace : AtomicFile::Existing::Refuse);
  meter::ProgramOptions options = a.options;
  options.origin = &origin;
  options.live = options.live && log::level() != log::Level::Quiet;
  const Machine machine = describe_machine();
  meter::check_estimate_options(options.estimate, machine);
  const meter::ProgramResult result = meter::meter_program(machine, options);
  if (!result.started) {
    log::error(result.run.reason);  // nothing ran: there are no figures to show
  } else if (log::level() != log::Level::Quiet) {
    const std::string text = meter_summary(result.run, a.output, log::level() == log::Level::Verbose);
    std::fwrite(text.data(), 1, text.size(), stderr);
  }
  if (file) {
    const std::string text = nlohmann::json(ProgramRecord{result.run, machine, version}).dump(1) + "\n";
    file->append(as_byte_span(text));
    file->commit();
  }
  return result.exit_code;
}

}  // namespace

void add_meter(CLI::App& app, Action& action) {
  auto a = std::make_shared<Arguments>();
  CLI::App* c = app.add_subcommand("meter", "Meter any program and all that it starts: time, memory, bytes, energy");
  c->add_option("CMD", a->options.command, "Program and its arguments; write -- before it")->required();
  c->add_option("-o,--output", a->output, "File for the record as JSON (docs/records.md)")->type_name("FILE.json");
  c->add_flag("--force", a->force, "Replace FILE.json if it exists");
  c->add_option("--interval", a->options.interval_ms, "Milliseconds between two looks at the processes")
      ->check(CLI::Range(1, 60'000))
      ->capture_default_str()
      ->type_name("MS");
  c->add_option("--label", a->options.label, "Name of the run in its record (default: the command)")
      ->type_name("LABEL");
  c->add_option("--idle", a->idle, "Watch the idle machine for so long before the program starts, such as 5s")
      ->type_name("TIME");
  c->add_option("--phases-from", a->options.phases_from,
                "Lines of its output that match begin a phase, named by the first group (docs/phases.md)")
      ->type_name("REGEX");
  c->add_flag("--live", a->options.live, "One line on the terminal that says how it is doing");
  add_estimate_options(*c, a->options.estimate);
  c->positionals_at_end();
  add_verbosity(*c);
  c->footer(
      "Examples:\n"
      "  haywatt meter -- python3 train.py --epochs 5\n"
      "  haywatt meter -o run.json --idle 5s -- make -j4\n"
      "  haywatt meter --live --phases-from '^== (.*) ==$' -- ./pipeline.sh\n"
      "\nThe program's streams and exit code are its own: 128 + N for a signal, 127 no such command, 126 it cannot be\n"
      "run. What haywatt has to say goes to standard error, and with -o to a file (docs/meter.md).");
  c->callback([a, &action] {
    action = [a] {
      check(*a);
      return meter::guarded([a](const meter::ProgramOrigin& origin) { return meter_it(*a, origin); });
    };
  });
}

}  // namespace haywatt::cli
