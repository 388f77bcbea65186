#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

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

/// A knob must turn something: a placeholder of the command, or for threads the environment.
void add_knob(Arguments& a, const char* name, const std::string& values) {
  if (values.empty()) return;
  const std::string mark = std::string("{") + name + "}";
  bool named = std::string(name) == "threads";
  for (const std::string& word : a.options.command) named = named || word.find(mark) != std::string::npos;
  if (!named) fail_usage(fmt::format("--{0} {1}: the command holds no {{{0}}} to put the values into", name, values));
  experiment::Knob knob{name, split(values, ',')};
  for (const std::string& v : knob.values)
    if (v.empty()) fail_usage(fmt::format("--{} '{}': write values such as 1,2", name, values));
  a.options.knobs.push_back(std::move(knob));
}

/// METHOD DATA is `haywatt compress` of it, with the method's own options as knobs.
std::vector<std::string> method_command(const Arguments& a) {
  if (a.command.size() != 2)
    fail_usage(
        "bottleneck takes METHOD and DATA, or -- and a program: haywatt bottleneck zstd jets.npz, haywatt bottleneck "
        "-- " +
        a.command.front());
  std::string method = a.command[0];
  if (!a.batch.empty()) method += std::string(method.find(':') == std::string::npos ? ":" : ",") + "batch_size={batch}";
  std::vector<std::string> words = {std::filesystem::read_symlink("/proc/self/exe").string(),
                                    "compress",
                                    a.command[1],
                                    "-o",
                                    "{scratch}/out.hay",
                                    "--force",
                                    "--method",
                                    method};
  if (!a.threads.empty()) words.insert(words.end(), {"--threads", "{threads}"});
  for (const std::string& b : a.bounds) words.insert(words.end(), {"--bound", b});
  return words;
}

void read_options(Arguments& a) {
  a.options.budget_s = duration(a.budget, "--budget");
  a.options.timeout_s = duration(a.timeout, "--timeout");
  if (a.command.empty()) fail_usage("no command: write it after --, as in haywatt bottleneck -- ./program input");
  for (const std::string& word : a.command) a.options.label += (a.options.label.empty() ? "" : " ") + word;
  a.options.command = a.separated ? a.command : method_command(a);
  add_knob(a, "threads", a.threads);
  add_knob(a, "batch", a.batch);
  add_knob(a, "rows", a.rows);
  add_knob(a, "dtype", a.dtype);
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
                "Numbers of threads to try: {threads} in CMD, and OMP_NUM_THREADS and its like")
      ->type_name("N,N…");
  c->add_option("--batch", a->batch, "Values to try for {batch} in CMD")->type_name("N,N…");
  c->add_option("--rows", a->rows, "Values to try for {rows} in CMD")->type_name("N,N…");
  c->add_option("--dtype", a->dtype, "Values to try for {dtype} in CMD")->type_name("T,T…");
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
      "  haywatt bottleneck --budget 60s -o why.json -- python3 train.py && haywatt report why.json\n"
      "  haywatt bottleneck --threads 1,2 --batch 64,512 -- ./train --threads {threads} --batch {batch}");
  c->callback([a, &action] { action = [a] { return bottleneck(*a); }; });
}

}  // namespace haywatt::cli
