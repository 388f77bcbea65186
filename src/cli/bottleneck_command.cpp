#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/bottleneck_method.hpp"
#include "cli/commands.hpp"
#include "cli/estimate_options.hpp"
#include "cli/signal_memory.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/base/file.hpp"
#include "haywatt/base/log.hpp"
#include "haywatt/base/progress.hpp"
#include "haywatt/base/text.hpp"
#include "haywatt/experiment/bottleneck.hpp"
#include "haywatt/report/report.hpp"
#include "haywatt_version.hpp"

namespace haywatt::cli {
namespace {

struct Arguments {
  std::vector<std::string> command;
  bool separated = false;  ///< a command after --
  std::vector<std::string> bounds;
  std::string threads, batch, rows, dtype;
  std::string budget = "120s", timeout = "10m", output;
  experiment::BottleneckOptions options;
  bool json = false, force = false;
};

double duration(const std::string& text, const char* option) {
  const auto value = parse_duration_s(text);
  if (!value || !(*value > 0.0)) fail_usage(fmt::format("{} '{}': write a duration such as 90s or 5m", option, text));
  return *value;
}

std::vector<experiment::Knob> read_knobs(const Arguments& a) {
  std::vector<experiment::Knob> knobs;
  for (const auto& [name, values] :
       {std::pair{"threads", &a.threads}, {"batch", &a.batch}, {"rows", &a.rows}, {"dtype", &a.dtype}}) {
    if (values->empty()) continue;
    knobs.push_back({name, split(*values, ',')});
    for (const std::string& v : knobs.back().values)
      if (v.empty()) fail_usage(fmt::format("--{} '{}': write values such as 1,2", name, *values));
  }
  return knobs;
}

/// A knob must turn something: a placeholder of the command, or for threads the environment.
void search_command(Arguments& a) {
  a.options.command = a.command;
  a.options.knobs = read_knobs(a);
  for (const experiment::Knob& k : a.options.knobs) {
    const std::string mark = "{" + k.name + "}";
    bool named = k.name == "threads";
    for (const std::string& word : a.command) named = named || word.find(mark) != std::string::npos;
    if (!named) fail_usage(fmt::format("--{0}: the command holds no {{{0}}} to put the values into", k.name));
  }
}

void read_options(Arguments& a) {
  a.options.budget_s = duration(a.budget, "--budget");
  a.options.timeout_s = duration(a.timeout, "--timeout");
  if (a.command.empty()) fail_usage("no command: write it after --, as in haywatt bottleneck -- ./program input");
  for (const std::string& word : a.command) a.options.label += (a.options.label.empty() ? "" : " ") + word;
  if (a.separated) {
    if (!a.bounds.empty()) fail_usage("--bound is for METHOD DATA, and a program was given");
    search_command(a);
  } else {
    if (a.command.size() != 2)
      fail_usage(
          "bottleneck takes METHOD and DATA, or -- and a program: haywatt bottleneck zstd jets.npz, haywatt "
          "bottleneck -- " +
          a.command.front());
    search_method(a.command[0], a.command[1], {a.bounds, read_knobs(a)}, a.options);
  }
  check_watts(a.options.estimate);
}

int search(const Arguments& a, experiment::BottleneckWorld& world) {
  meter::check_estimate_options(a.options.estimate, world.machine);
  std::unique_ptr<AtomicFile> file;
  const auto existing = a.force ? AtomicFile::Existing::Replace : AtomicFile::Existing::Refuse;
  if (!a.output.empty()) file = std::make_unique<AtomicFile>(a.output, existing);
  close_standard_input();
  BottleneckRecord record;
  {
    Progress progress("bottleneck");
    const SignalMemory signals;
    const auto run = world.run;
    world.run = [&run](const experiment::Treatment& t) {
      try {
        return run(t);
      } catch (const experiment::Interrupted&) {
        if (SignalMemory::received() == 0) SignalMemory::remember(SIGINT);
        throw;
      }
    };
    world.stop_asked = [] { return SignalMemory::received() != 0; };
    world.progress = [&](double share, std::string_view item) { progress.update(share, item); };
    record = experiment::find_bottleneck(a.options, world);
  }
  record.energy_from = world.energy_from;
  const std::string as_json = nlohmann::json(record).dump(1) + "\n";
  if (file) {
    file->append(as_byte_span(as_json));
    file->commit();
  }
  const std::string text = a.json ? as_json : report::to_text(record);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return SignalMemory::received() != 0 ? 128 + SignalMemory::received() : 0;
}

int bottleneck(Arguments& a) {
  read_options(a);
  return experiment::with_bottleneck_world(a.options, version,
                                           [&a](experiment::BottleneckWorld& world) { return search(a, world); });
}

}  // namespace

void add_bottleneck(CLI::App& app, Action& action, bool separated) {
  auto a = std::make_shared<Arguments>();
  a->separated = separated;
  CLI::App* c = app.add_subcommand("bottleneck", "Find by experiment what a program is bound by");
  c->add_option("METHOD DATA | -- CMD", a->command,
                "A method and the table that it compresses; or, after --, any command");
  c->add_option("--bound", a->bounds, "Error bounds for METHOD DATA, as for compress")->type_name("BOUND");
  c->add_option("--budget", a->budget, "End within about this time")->capture_default_str()->type_name("TIME");
  c->add_option("--timeout", a->timeout, "A run that takes longer is killed, and the search ends")
      ->capture_default_str()
      ->type_name("TIME");
  c->add_option("--threads", a->threads,
                "Numbers of threads to try: of compress; {threads} in CMD, and OMP_NUM_THREADS and its like")
      ->type_name("N,N…");
  c->add_option("--batch", a->batch, "Batches to try: the method's option batch; {batch} in CMD")->type_name("N,N…");
  c->add_option("--rows", a->rows, "Sizes to try: DATA cut or repeated; {rows} in CMD")->type_name("N,N…");
  c->add_option("--dtype", a->dtype,
                "Float types to try, f4 or f8: of DATA and of a method that has one; {dtype} in CMD")
      ->type_name("T,T…");
  c->add_option("--seed", a->options.seed, "Of the order of treatments in a block")
      ->capture_default_str()
      ->type_name("N");
  add_estimate_options(*c, a->options.estimate);
  c->add_flag("--show-output", a->options.show_output, "Let the command print (default: its output is discarded)");
  c->add_option("-o,--output", a->output, "File for the record as JSON (docs/bottleneck.md)")->type_name("FILE.json");
  c->add_flag("--force", a->force, "Replace FILE.json if it exists");
  c->add_flag("--json", a->json, "Print the record as JSON");
  add_verbosity(*c);
  c->footer(
      "Ctrl-C ends it and reports what is known.\n"
      "\n"
      "Examples:\n"
      "  haywatt bottleneck -- ./simulate input.dat\n"
      "  haywatt bottleneck zstd:level=19 jets.npz --threads 1,2\n"
      "  haywatt bottleneck baler:epochs=2 jets.npz --bound range:1e-3 --rows 20000,100000 --dtype f8,f4\n"
      "  haywatt bottleneck --budget 60s -o why.json -- python3 train.py && haywatt report why.json\n"
      "  haywatt bottleneck --threads 1,2 --batch 64,512 -- ./train --threads {threads} --batch {batch}");
  c->callback([a, &action] { action = [a] { return bottleneck(*a); }; });
}

}  // namespace haywatt::cli
