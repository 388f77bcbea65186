#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/base/log.hpp"
#include "haywatt/base/progress.hpp"
#include "haywatt/base/text.hpp"
#include "haywatt/codec/pipeline.hpp"

namespace haywatt::cli {
namespace {

struct Arguments {
  std::string input, output, method = "zstd", memory = "1G";
  std::vector<std::string> bounds;
  int threads = 1;
  bool force = false, json = false;
};

nlohmann::json to_json(const CompressOutcome& o, const Arguments& a) {
  nlohmann::json columns = nlohmann::json::array();
  for (const ColumnOutcome& c : o.columns)
    columns.push_back({{"name", c.name},
                       {"bound", c.bound.requested},
                       {"epsilon", c.bound.epsilon},
                       {"max_abs_error", c.error.max_abs},
                       {"max_rel_error", c.error.max_rel},
                       {"compressed_B", c.compressed_bytes},
                       {"corrections", c.corrections}});
  return {{"schema", "haywatt-compress/1"},
          {"output", a.output},
          {"method", MethodSpec::parse(a.method).text()},
          {"rows", o.rows},
          {"raw_B", o.raw_bytes},
          {"file_B", o.file_bytes},
          {"model_B", o.model_bytes},
          {"shared_B", o.shared_bytes},
          {"chunks", o.chunks},
          {"counts", o.counts},
          {"columns", columns}};
}

int compress(const Arguments& a) {
  CompressOptions options;
  options.method = MethodSpec::parse(a.method);
  for (const std::string& b : a.bounds) options.bounds.push_back(parse_bound_rule(b));
  options.threads = a.threads;
  const auto memory = parse_size(a.memory);
  if (!memory || *memory < (std::uint64_t{1} << 20))
    fail_usage("--memory '" + a.memory + "': write a size of at least 1M, such as 512M");
  options.memory_bytes = *memory;
  options.existing = a.force ? AtomicFile::Existing::Replace : AtomicFile::Existing::Refuse;
  const auto reader = open_table(a.input, {*memory / 4});
  Progress bar("compress " + a.input);
  options.progress = [&bar](double done) { bar.update(done); };
  const CompressOutcome o = compress_table(*reader, a.output, options);
  if (a.json) {
    fmt::print("{}\n", to_json(o, a).dump(2));
    return 0;
  }
  std::uint64_t corrections = 0;
  bool unbounded = false;
  for (const ColumnOutcome& c : o.columns) {
    corrections += c.corrections;
    unbounded = unbounded || c.bound.kind == BoundKind::None;
  }
  const double raw = static_cast<double>(o.raw_bytes);
  const double size = static_cast<double>(o.file_bytes);
  log::info(fmt::format("{}: {} -> {}, ratio {:.2f}, {:.2f} B/row, {}{}", a.output, si(raw, "B"), si(size, "B"),
                        raw / size, size / static_cast<double>(std::max<std::uint64_t>(o.rows, 1)),
                        unbounded ? "no bound was asked for" : "every value within its bound",
                        corrections > 0 ? fmt::format(" ({} corrections)", corrections) : ""));
  return 0;
}

}  // namespace

void add_compress(CLI::App& app, Action& action) {
  auto a = std::make_shared<Arguments>();
  CLI::App* c = app.add_subcommand("compress", "Compress a table into a .hay file, every value within its bound");
  c->add_option("IN", a->input, "Table to read: .npz, .npy, .csv, .csv.gz")->required();
  c->add_option("-o,--output", a->output, "File to write")->required()->type_name("OUT.hay");
  c->add_option(
       "--bound", a->bounds,
       "Error bound, 'KIND:VALUE' for all columns or 'GLOB=KIND:VALUE'; may be given several times, the last match "
       "counts. Kinds: lossless, abs:E, range:E, rel:E, bits:N, none (baler only). Default: lossless")
      ->type_name("BOUND")
      ->take_all();
  c->add_option("--method", a->method, "Method and its options, NAME[:key=value,…]; see 'haywatt methods'")
      ->capture_default_str()
      ->type_name("NAME");
  c->add_option("--memory", a->memory, "Memory to stay within, roughly, for stored input")
      ->capture_default_str()
      ->type_name("SIZE");
  add_threads(*c, a->threads);
  c->add_flag("--force", a->force, "Replace OUT.hay if it exists");
  c->add_flag("--json", a->json, "Print the result as JSON (docs/cli-json.md)");
  add_verbosity(*c);
  c->footer(
      "Examples:\n"
      "  haywatt compress jets.npz -o jets.hay\n"
      "  haywatt compress jets.npz -o jets.hay --bound range:1e-3 --bound 'n_*=lossless'\n"
      "  haywatt compress jets.npz -o jets.hay --method zstd:level=19 --bound 'pt=abs:0.01'\n"
      "  haywatt compress jets.npz -o jets.hay --method baler:config=cms");
  c->callback([a, &action] { action = [a] { return compress(*a); }; });
}

}  // namespace haywatt::cli
