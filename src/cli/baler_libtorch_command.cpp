#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/baler_libtorch_files.hpp"
#include "cli/commands.hpp"
#include "haywatt/base/energy_counter.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/base/log.hpp"
#include "haywatt/base/progress.hpp"
#include "haywatt/base/span.hpp"
#include "haywatt/codec/baler/libtorch_baler.hpp"

namespace haywatt::cli {
namespace {

using baler::Habits;
using baler::LibtorchBaler;
using baler::NetworkType;
using baler::TrainConfig;

/// A habit as an option: its values, the better one first.
struct Switch {
  const char* option;
  std::vector<std::string> values;  ///< better, Python's
  bool Habits::*member;
  const char* help;
};

const std::vector<Switch>& switches() {
  static const std::vector<Switch> all = {
      {"--collate",
       {"slices", "samples"},
       &Habits::collate_samples,
       "How a batch is put together: slices, or row by row, then stacked"},
      {"--concat",
       {"preallocate", "grow"},
       &Habits::grow,
       "Where results go: one output made once, or concatenated anew after each batch"},
      {"--normalise",
       {"vector", "values"},
       &Habits::normalise_values,
       "Scaling: one vectorised pass, or column by column with an object for each value"},
      {"--minmax",
       {"reduce", "rows"},
       &Habits::minmax_rows,
       "Ranges: one reduction, or an object for each row, restacked, column by column"},
      {"--loss",
       {"accumulate", "items"},
       &Habits::loss_items,
       "The loss is fetched once an epoch, or after each batch"},
      {"--adam", {"fused", "plain"}, &Habits::plain_adam, "One loop over all weights, or torch::optim::Adam"},
      {"--grad", {"off", "on"}, &Habits::autograd, "Autograd. Off: gradients written out (train), inference mode"},
      {"--loops",
       {"fused", "tensor"},
       &Habits::tensor_loops,
       "Train without autograd: its loops fused, our own, or libtorch's operators (on a GPU always)"},
      {"--graph", {"eager", "frozen"}, &Habits::frozen, "Layer by layer, or frozen and optimised TorchScript"},
  };
  return all;
}

const std::map<std::string, NetworkType>& types() {
  static const std::map<std::string, NetworkType> all = {{"f64", NetworkType::Float64},
                                                         {"f32", NetworkType::Float32},
                                                         {"bf16", NetworkType::BFloat16},
                                                         {"int8", NetworkType::Int8}};
  return all;
}

struct Arguments {
  std::string input, output, model, config = "default", type = "f64", device = "cpu";
  std::map<std::string, std::string> chosen;  ///< by option
  bool like_python = false, force = false, json = false;
  int threads = 1;
  std::uint64_t batch = 512, seed = 0;
  std::optional<double> ratio;
  std::optional<int> epochs;
  double lr = 0.001, test_size = 0.0, joule_per_byte = baler::default_joule_per_byte;
  std::string stop = "off";

  [[nodiscard]] AtomicFile::Existing existing() const {
    return force ? AtomicFile::Existing::Replace : AtomicFile::Existing::Refuse;
  }
};

Habits habits(const Arguments& a) {
  Habits h;
  if (a.like_python) {
    h.collate_samples = h.grow = h.normalise_values = h.minmax_rows = true;
    h.loss_items = h.plain_adam = h.autograd = true;
  }
  for (const Switch& s : switches())
    if (const auto it = a.chosen.find(s.option); it != a.chosen.end() && !it->second.empty())
      h.*s.member = it->second == s.values[1];
  h.type = types().at(a.type);
  h.batch_size = a.batch;
  h.threads = a.threads;
  h.device = a.device;
  return h;
}

const LibtorchBaler& plug_in() {
  std::string why;
  const LibtorchBaler* loaded = baler::load_libtorch_baler(why);
  if (loaded == nullptr) fail_unavailable(why);
  return *loaded;
}

/// Opens and closes a span for each phase that the plug-in tells of.
class Spans {
 public:
  baler::PhaseHook hook() {
    return [this](const char* phase, bool begin) {
      if (begin)
        open_.push_back(std::make_unique<ScopedSpan>(phase));
      else
        open_.pop_back();
    };
  }

 private:
  std::vector<std::unique_ptr<ScopedSpan>> open_;
};

/// What every subcommand prints.
void report(const Arguments& a, const char* what, std::chrono::steady_clock::time_point start, nlohmann::json result,
            const std::string& text) {
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  if (!a.json) return log::info(fmt::format("{}: {} in {:.3f} s", a.output, text, elapsed.count()));
  const Habits h = habits(a);
  nlohmann::json used = {{"dtype", a.type}, {"batch", h.batch_size}, {"threads", h.threads}, {"device", h.device}};
  for (const Switch& s : switches())
    if (a.chosen.contains(s.option)) used[s.option + 2] = s.values[h.*s.member ? 1 : 0];
  result.update({{"schema", "haywatt-baler-libtorch/1"},
                 {"command", what},
                 {"output", a.output},
                 {"habits", used},
                 {"wall_s", elapsed.count()}});
  fmt::print("{}\n", result.dump(2));
}

nlohmann::json stop_json(const Arguments& a, const baler::TrainResult& result) {
  if (a.stop != "energy") return nullptr;
  return {{"stopped_by_energy", result.stopped_by == baler::StopReason::Energy},
          {"epoch_J", result.epoch_J},
          {"next_epoch_gain_B", result.next_gain_B},
          {"next_epoch_gain_J", result.next_gain_J},
          {"joules_from", energy_counter()->source()}};
}

int train(const Arguments& a) {
  const auto start = std::chrono::steady_clock::now();
  const LibtorchBaler& torch = plug_in();
  TrainConfig config;
  if (a.config == "cms") {
    config.compression_ratio = 1.6;
    config.epochs = 25;
  }
  config.compression_ratio = a.ratio.value_or(config.compression_ratio);
  config.epochs = a.epochs.value_or(config.epochs);
  config.lr = a.lr;
  config.test_size = a.test_size;
  config.seed = a.seed;
  if (a.stop == "energy") {
    config.energy_stop.joules = [] { return energy_counter()->joules(); };
    config.energy_stop.joule_per_byte = a.joule_per_byte;
  }
  BalerArray table;
  {
    const ScopedSpan span("read");
    table = read_baler_array(a.input);
  }
  Progress bar("train on " + a.input);
  Spans spans;
  baler::Ranges ranges;
  const baler::TrainResult result =
      torch.train(table.view(), config, habits(a), ranges, spans.hook(),
                  [&bar](int epoch, int epochs) { bar.update(static_cast<double>(epoch) / epochs); });
  if (result.reference_blas)
    log::warning("libtorch uses the reference BLAS, about four times slower: install libopenblas0-pthread");
  {
    const ScopedSpan span("write");
    write_baler_model(a.output, result.model, ranges, table, a.existing());
  }
  report(a, "train", start,
         {{"library", result.library},
          {"stop", stop_json(a, result)},
          {"epochs", result.train_loss.size()},
          {"train_loss", result.train_loss},
          {"validation_loss", result.validation_loss}},
         fmt::format("{} epochs{}, loss {:.6g}; {}; done", result.train_loss.size(),
                     result.stopped_by == baler::StopReason::Energy
                         ? fmt::format(" (the next would be worth {:.3g} J and cost {:.3g} J)", result.next_gain_J,
                                       result.epoch_J)
                         : "",
                     result.validation_loss.back(), result.library));
  return 0;
}

int compress(const Arguments& a) {
  const auto start = std::chrono::steady_clock::now();
  const LibtorchBaler& torch = plug_in();
  BalerArray table;
  BalerModel model;
  {
    const ScopedSpan span("read");
    table = read_baler_array(a.input);
    model = read_baler_model(a.model);
  }
  Spans spans;
  baler::Ranges ranges;
  const baler::NetworkOutput latents = torch.compress(table.view(), model.network, habits(a), ranges, spans.hook());
  {
    const ScopedSpan span("write");
    write_baler_compressed(a.output, latents, ranges, table, a.existing());
  }
  report(a, "compress", start, {{"library", torch.library()}, {"rows", latents.rows}, {"latent", latents.columns}},
         fmt::format("{} rows of {} latent values; {}; done", latents.rows, latents.columns, torch.library()));
  return 0;
}

int decompress(const Arguments& a) {
  const auto start = std::chrono::steady_clock::now();
  const LibtorchBaler& torch = plug_in();
  BalerArray latents;
  BalerModel model;
  {
    const ScopedSpan span("read");
    latents = read_baler_array(a.input);
    model = read_baler_model(a.model);
  }
  Spans spans;
  const baler::NetworkOutput values =
      torch.decompress(latents.view(), model.network, model.ranges, habits(a), spans.hook());
  {
    const ScopedSpan span("write");
    write_baler_decompressed(a.output, values, latents, a.existing());
  }
  report(a, "decompress", start, {{"library", torch.library()}, {"rows", values.rows}, {"columns", values.columns}},
         fmt::format("{} rows of {} values; {}; done", values.rows, values.columns, torch.library()));
  return 0;
}

void add_common(CLI::App& c, Arguments& a, const std::vector<std::string>& options,
                const std::vector<std::string>& type_names) {
  c.add_flag("--like-python", a.like_python,
             "Begin with all of Python's habits; the options below then change one each");
  for (const Switch& s : switches()) {
    if (std::find(options.begin(), options.end(), s.option) == options.end()) continue;
    c.add_option(s.option, a.chosen[s.option], s.help)->check(CLI::IsMember(s.values));
  }
  c.add_option("--dtype", a.type, "Type that the network computes in")
      ->check(CLI::IsMember(type_names))
      ->capture_default_str();
  c.add_option("--batch", a.batch, "Rows of a batch")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 30))
      ->capture_default_str()
      ->type_name("N");
  c.add_option("--threads", a.threads,
               "Threads of libtorch and its BLAS; with train --grad off threads share each batch")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str()
      ->type_name("N");
  c.add_option("--device", a.device, "Where to compute: cpu, cuda or cuda:N (docs/gpu.md)")
      ->capture_default_str()
      ->type_name("DEVICE");
  c.add_flag("--force", a.force, "Replace the output if it exists");
  c.add_flag("--json", a.json, "Print the result as JSON (docs/cli-json.md)");
  add_verbosity(c);
}

void add_train_part(CLI::App& parent, Action& action) {
  auto a = std::make_shared<Arguments>();
  CLI::App* c = parent.add_subcommand("train", "Train Baler's AE on a table and write it as a .hayb");
  c->add_option("IN", a->input, "Baler's input: an .npz with 'data', rows x columns")->required()->type_name("IN.npz");
  c->add_option("-o,--output", a->output, "Model to write")->required()->type_name("OUT.hayb");
  add_common(*c, *a, {"--collate", "--normalise", "--minmax", "--loss", "--adam", "--grad", "--loops"},
             {"f64", "f32", "bf16"});
  c->add_option("--config", a->config, "Settings to start from: Baler's newProject, or its CMS example")
      ->check(CLI::IsMember({"default", "cms"}))
      ->capture_default_str();
  c->add_option("--epochs", a->epochs, "Passes over the table (5; cms: 25)")->check(CLI::Range(1, 1000000000));
  c->add_option("--ratio", a->ratio, "compression_ratio (2.0; cms: 1.6)")->check(CLI::Range(0.01, 1e6));
  c->add_option("--lr", a->lr, "Adam's learning rate")->check(CLI::Range(0.0, 1e3))->capture_default_str();
  c->add_option("--test-size", a->test_size, "Share of the rows kept for validation")
      ->check(CLI::Range(0.0, 0.99))
      ->capture_default_str();
  c->add_option("--stop", a->stop, "Stop when the next epoch is worth less than its joules (docs/baler.md)")
      ->check(CLI::IsMember({"off", "energy"}))
      ->capture_default_str();
  c->add_option("--joule-per-byte", a->joule_per_byte, "With --stop energy: what a byte less is worth")
      ->check(CLI::Range(0.0, 1e12))
      ->capture_default_str();
  c->add_option("--seed", a->seed, "Of the initial weights")->capture_default_str();
  c->footer(
      "Examples:\n"
      "  haywatt baler-libtorch train jets.npz -o jets.hayb --like-python\n"
      "  haywatt baler-libtorch train jets.npz -o jets.hayb --like-python --adam fused");
  c->callback([a, &action] { action = [a] { return train(*a); }; });
}

void add_compress_part(CLI::App& parent, Action& action) {
  auto a = std::make_shared<Arguments>();
  CLI::App* c = parent.add_subcommand("compress", "Write a table's latents as Baler's compressed.npz");
  c->add_option("IN", a->input, "Baler's input: an .npz with 'data', rows x columns")->required()->type_name("IN.npz");
  c->add_option("-o,--output", a->output, "Latents to write")->required()->type_name("OUT.npz");
  c->add_option("--model", a->model, "Model to compress with")->required()->type_name("MODEL.hayb");
  add_common(*c, *a, {"--collate", "--concat", "--normalise", "--minmax", "--grad", "--graph"},
             {"f64", "f32", "bf16", "int8"});
  c->footer(
      "Examples:\n"
      "  haywatt baler-libtorch compress jets.npz --model jets.hayb -o compressed.npz --like-python\n"
      "  haywatt baler-libtorch compress jets.npz --model jets.hayb -o compressed.npz --like-python --concat "
      "preallocate");
  c->callback([a, &action] { action = [a] { return compress(*a); }; });
}

void add_decompress_part(CLI::App& parent, Action& action) {
  auto a = std::make_shared<Arguments>();
  CLI::App* c = parent.add_subcommand("decompress", "Decode Baler's compressed.npz");
  c->add_option("IN", a->input, "Latents: a compressed.npz")->required()->type_name("IN.npz");
  c->add_option("-o,--output", a->output, "Values to write, as Baler's decompressed.npz")
      ->required()
      ->type_name("OUT.npz");
  c->add_option("--model", a->model, "Model that compressed them")->required()->type_name("MODEL.hayb");
  add_common(*c, *a, {"--collate", "--concat", "--normalise", "--grad", "--graph"}, {"f64", "f32", "bf16", "int8"});
  c->footer(
      "Examples:\n"
      "  haywatt baler-libtorch decompress compressed.npz --model jets.hayb -o back.npz --like-python\n"
      "  haywatt baler-libtorch decompress compressed.npz --model jets.hayb -o back.npz --graph frozen --dtype f32");
  c->callback([a, &action] { action = [a] { return decompress(*a); }; });
}

}  // namespace

void add_baler_libtorch(CLI::App& app, Action& action) {
  CLI::App* c =
      app.add_subcommand("baler-libtorch", "Python's Baler imitated with libtorch, one costly habit at a time");
  c->require_subcommand(1);
  add_train_part(*c, action);
  add_compress_part(*c, action);
  add_decompress_part(*c, action);
  c->footer(
      "To measure what each habit of Python's Baler costs (docs/baler-libtorch.md). Needs the libtorch plug-in.\n"
      "Without --like-python each habit is at its better value. 'haywatt meter' shows the phases.\n"
      "\nExamples:\n"
      "  haywatt baler-libtorch train jets.npz -o jets.hayb --like-python\n"
      "  haywatt baler-libtorch compress jets.npz --model jets.hayb -o compressed.npz --like-python\n"
      "  haywatt compare 'haywatt baler-libtorch compress jets.npz --model jets.hayb -o a.npz --force --like-python' "
      "\\\n"
      "    'haywatt baler-libtorch compress jets.npz --model jets.hayb -o b.npz --force --like-python --concat "
      "preallocate'");
}

}  // namespace haywatt::cli
