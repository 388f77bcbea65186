#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.hpp"
#include "cli/meter_summary.hpp"
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

int meter_it(Arguments& a) {
  if (!a.idle.empty()) {
    const auto idle_s = parse_duration_s(a.idle);
    if (!idle_s) fail_usage("--idle '" + a.idle + "': write a duration such as 5s, 500ms or 1m");
    a.options.idle_s = *idle_s;
  }
  // Made before the program runs: it tells now what would be known too late after hours.
  std::unique_ptr<AtomicFile> file;
  if (!a.output.empty())
    file =
        std::make_unique<AtomicFile>(a.output, a.force ? AtomicFile::Existing::Replace : AtomicFile::Existing::Refuse);
  const Machine machine = describe_machine();
  const meter::ProgramResult result = meter::meter_program(machine, a.options);
  if (file) {
    const std::string text = nlohmann::json(ProgramRecord{result.run, machine, version}).dump(1) + "\n";
    file->append(as_byte_span(text));
    file->commit();
  }
  if (log::level() != log::Level::Quiet) {
    const std::string text = meter_summary(result.run, a.output);
    std::fwrite(text.data(), 1, text.size(), stderr);
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
  c->positionals_at_end();
  add_verbosity(*c);
  c->footer(
      "Examples:\n"
      "  haywatt meter -- python3 train.py --epochs 5\n"
      "  haywatt meter -o run.json --idle 5s -- make -j4");
  c->callback([a, &action] { action = [a] { return meter_it(*a); }; });
}

}  // namespace haywatt::cli
