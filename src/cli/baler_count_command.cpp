#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "cli/commands.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/codec/baler/project_files.hpp"
#include "haywatt/trace/counting.hpp"

namespace haywatt::cli {
namespace {

using trace::Convention;

struct Arguments {
  std::string model;
  std::uint64_t rows = 1;
  bool json = false;
};

constexpr Convention conventions[] = {Convention::Haywatt,         Convention::PyTorch,     Convention::PyTorchProfiler,
                                      Convention::Ptflops,         Convention::PtflopsAten, Convention::Fvcore,
                                      Convention::DeepliteProfiler};

/// The others count a training step as if it were a forward pass.
bool knows_training(Convention c) { return c == Convention::Haywatt || c == Convention::PyTorch; }

int count(const Arguments& a) {
  const baler::ProjectModel model = baler::read_hayb(a.model);
  const std::vector<trace::CountedLayer> layers = trace::counted_layers(model);
  nlohmann::json rows = nlohmann::json::array();
  std::string text =
      fmt::format("{}: {}, {} {}\n\n{:<18} {:>16} {:>16} {:>12} {:>16}\n", a.model, model.model_name, a.rows,
                  a.rows == 1 ? "row" : "rows", "counter", "MACs", "its count", "parameters", "its training");
  for (const Convention c : conventions) {
    const trace::Count forward = trace::count_forward(layers, a.rows, c),
                       training = trace::count_training(layers, a.rows, c);
    rows.push_back({{"convention", trace::convention_name(c)},
                    {"unit", trace::convention_unit(c)},
                    {"macs", forward.macs},
                    {"forward", forward.total},
                    {"training", knows_training(c) ? nlohmann::json(training.total) : nlohmann::json(nullptr)},
                    {"parameters", forward.parameters}});
    text += fmt::format("{:<18} {:>16} {:>10} {:>5} {:>12} {:>16}\n", trace::convention_name(c), forward.macs,
                        forward.total, trace::convention_unit(c), forward.parameters,
                        knows_training(c) ? std::to_string(training.total) : "-");
  }
  if (a.json)
    fmt::print("{}\n", nlohmann::json{{"schema", "haywatt-baler-count/1"},
                                      {"model", model.model_name},
                                      {"rows", a.rows},
                                      {"counts", std::move(rows)}}
                           .dump(2));
  else
    fmt::print("{}\nWhy they differ: docs/counting.md\n", text);
  return 0;
}

}  // namespace

void add_baler_count(CLI::App& baler, Action& action) {
  auto a = std::make_shared<Arguments>();
  CLI::App* c =
      baler.add_subcommand("count", "MACs, FLOPs and parameters of a project, by our rules and other counters'");
  c->add_option("MODEL", a->model, "Imported project")->required()->type_name("MODEL.hayb");
  c->add_option("--rows", a->rows, "Rows that run through it")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000}))
      ->capture_default_str()
      ->type_name("N");
  c->add_flag("--json", a->json, "Print the result as JSON (docs/cli-json.md)");
  add_verbosity(*c);
  c->footer("Examples:\n  haywatt baler count m.hayb\n  haywatt baler count m.hayb --rows 512 --json");
  c->callback([a, &action] { action = [a] { return count(*a); }; });
}

}  // namespace haywatt::cli
