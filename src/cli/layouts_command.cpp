#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/base/file.hpp"
#include "haywatt/base/progress.hpp"
#include "haywatt/base/text.hpp"
#include "haywatt/experiment/layouts.hpp"
#include "haywatt/report/report.hpp"
#include "haywatt_version.hpp"

namespace haywatt::cli {
namespace {

struct Arguments {
  std::string widths = "1,4,16,64", batches = "1,32,128", bandwidths = "memory,none,10Gbit,1Gbit",
              latencies = "0,50us,500us";
  std::string layouts, wait = "spin", output;
  experiment::LayoutsOptions options;
  bool json = false, force = false, add = false;
};

std::vector<std::uint64_t> whole_numbers(const std::string& text, const char* option) {
  std::vector<std::uint64_t> list;
  for (const std::string& word : split(text, ',')) {
    const auto value = parse_u64(word);
    if (!value || *value == 0) fail_usage(fmt::format("{} '{}': write whole numbers from 1, as 1,4,16", option, text));
    list.push_back(*value);
  }
  return list;
}

double latency_of(const std::string& word) {
  constexpr double longest_s = 1.0;
  const bool micro = word.ends_with("us");
  const auto value = micro ? parse_double(word.substr(0, word.size() - 2)) : parse_duration_s(word);
  const double seconds = value ? *value * (micro ? 1e-6 : 1.0) : -1.0;
  if (!(seconds >= 0.0) || seconds > longest_s)
    fail_usage("--latency '" + word + "': write a time up to 1s, such as 0, 50us or 2ms");
  return seconds;
}

void read_options(Arguments& a) {
  a.options.widths = whole_numbers(a.widths, "--widths");
  a.options.batches = whole_numbers(a.batches, "--batches");
  for (const std::string& word : split(a.bandwidths, ','))
    a.options.bandwidths.push_back(experiment::parse_bandwidth(word));
  for (const std::string& word : split(a.latencies, ',')) a.options.latencies_s.push_back(latency_of(word));
  if (!a.layouts.empty()) a.options.layouts = split(a.layouts, ',');
  a.options.spin = a.wait == "spin";
  a.options.command = fmt::format(
      "haywatt layouts --widths {} --batches {} --bandwidth {} --latency {} --ranks {} "
      "--repeats {} --micro-batches {} --wait {}{}",
      a.widths, a.batches, a.bandwidths, a.latencies, a.options.ranks, a.options.repeats, a.options.micro_batches,
      a.wait, a.layouts.empty() ? "" : " --layouts " + a.layouts);
}

LayoutsRecord read_record(const std::string& path) {
  try {
    return nlohmann::json::parse(read_text_file(path)).get<LayoutsRecord>();
  } catch (const nlohmann::json::exception& e) {
    fail_input(path + " is not a record of layouts: " + e.what());
  }
}

int run_and_write(const Arguments& a) {
  experiment::LayoutsWorld world;
  world.machine = describe_machine();
  world.haywatt_version = version;
  Progress progress("layouts");
  world.progress = [&](double share, std::string_view item) { progress.update(share, item); };
  const LayoutsRecord record = experiment::run_layouts(a.options, world);
  const std::string as_json = nlohmann::json(record).dump() + "\n";
  write_text_file(a.output + "/layouts.json", as_json);
  write_text_file(a.output + "/layouts.md", report::to_markdown(record));
  write_text_file(a.output + "/layouts.html", report::to_html(record));
  const std::string text =
      a.json ? as_json : report::layouts_summary(record) + "report: " + a.output + "/layouts.html\n";
  std::fwrite(text.data(), 1, text.size(), stdout);
  return 0;
}

int layouts(Arguments& a) {
  read_options(a);
  const std::string json_file = a.output + "/layouts.json";
  std::error_code error;
  const bool there = std::filesystem::exists(json_file, error);
  if (there && !a.force && !a.add)
    fail_usage(json_file + " is there already: choose another folder, or give --add or --force");
  if (there && a.add) a.options.before = read_record(json_file);
  // Made before anything runs, so that a folder that cannot be is known now and not after minutes.
  const bool made = std::filesystem::create_directories(a.output, error);
  if (error) fail_system("cannot make the folder " + a.output + ": " + error.message());
  try {
    return run_and_write(a);
  } catch (...) {
    if (made) std::filesystem::remove(a.output, error);
    throw;
  }
}

}  // namespace

void add_layouts(CLI::App& app, Action& action) {
  auto a = std::make_shared<Arguments>();
  CLI::App* c = app.add_subcommand(
      "layouts", "Run an autoencoder with its rows or its layers split over MPI ranks, beside what a model predicts");
  c->add_option("-o,--output", a->output, "Folder for layouts.json, layouts.md and layouts.html")
      ->required()
      ->type_name("DIR");
  c->add_option("--widths", a->widths, "How many times wider than Baler's own its hidden layers are")
      ->capture_default_str()
      ->type_name("N,…");
  c->add_option("--batches", a->batches, "Rows a run")->capture_default_str()->type_name("N,…");
  c->add_option("--bandwidth", a->bandwidths,
                "memory (shared), none (TCP as fast as it goes), or rates such as 1Gbit (needs root)")
      ->capture_default_str()
      ->type_name("B,…");
  c->add_option("--latency", a->latencies, "Latencies added to every message")->capture_default_str()->type_name("T,…");
  c->add_option("--ranks", a->options.ranks, "Ranks of MPI")->capture_default_str()->type_name("N");
  c->add_option("--repeats", a->options.repeats, "Measured runs of each layout, more where they are quick")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str()
      ->type_name("N");
  c->add_option("--micro-batches", a->options.micro_batches, "Of the pipeline")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str()
      ->type_name("N");
  c->add_option("--layouts", a->layouts, "Only these: single, data, shards, pipeline, pipeline-overlap, tensor")
      ->type_name("NAME,…");
  c->add_option("--wait", a->wait, "How a rank waits for a message: spin (a whole CPU, least latency) or sleep")
      ->check(CLI::IsMember({"spin", "sleep"}))
      ->capture_default_str();
  c->add_option("--columns", a->options.columns, "Columns of the table")->capture_default_str()->type_name("N");
  c->add_option("--latent", a->options.latent, "Values of the latent")->capture_default_str()->type_name("N");
  c->add_option("--seed", a->options.seed, "Of weights and rows")->capture_default_str()->type_name("N");
  c->add_flag("--add", a->add, "Keep the widths that DIR holds and add these");
  c->add_flag("--force", a->force, "Replace what is in DIR")->excludes("--add");
  c->add_flag("--json", a->json, "Print the record as JSON");
  add_verbosity(*c);
  c->footer(
      "Needs Open MPI (Debian: openmpi-bin). Documentation: docs/layouts.md.\n"
      "\n"
      "Examples:\n"
      "  haywatt layouts -o layouts\n"
      "  haywatt layouts --widths 64 --batches 1,8 --bandwidth memory --latency 0 -o wide\n"
      "  haywatt layouts --bandwidth 1Gbit --latency 0,500us --wait sleep -o office\n"
      "  haywatt layouts --widths 128 --add -o layouts");
  c->callback([a, &action] { action = [a] { return layouts(*a); }; });
}

}  // namespace haywatt::cli
