#include <memory>

#include "cli/commands.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/base/log.hpp"
#include "haywatt/base/progress.hpp"
#include "haywatt/base/text.hpp"
#include "haywatt/codec/pipeline.hpp"

namespace haywatt::cli {
namespace {

struct Arguments {
  std::string input, output, columns = "*", rows;
  int threads = 1;
  bool force = false;
};

void parse_rows(const std::string& text, DecompressOptions& options) {
  if (text.empty()) return;
  const auto parts = split(text, ':');
  const auto bound = [&](const std::string& part, std::uint64_t otherwise) {
    if (part.empty()) return otherwise;
    const auto value = parse_u64(part);
    if (!value) fail_usage("--rows '" + text + "': write A:B, the rows from A up to but without B");
    return *value;
  };
  if (parts.size() != 2) fail_usage("--rows '" + text + "': write A:B, the rows from A up to but without B");
  options.first_row = bound(parts[0], 0);
  options.last_row = bound(parts[1], UINT64_MAX);
  if (options.last_row < options.first_row) fail_usage("--rows '" + text + "': the end lies before the begin");
}

int decompress(const Arguments& a) {
  DecompressOptions options;
  options.columns = a.columns;
  parse_rows(a.rows, options);
  options.threads = a.threads;
  options.existing = a.force ? AtomicFile::Existing::Replace : AtomicFile::Existing::Refuse;
  Progress bar("decompress " + a.input);
  options.progress = [&bar](double done) { bar.update(done); };
  decompress_table(a.input, a.output, options);
  log::detail("wrote " + a.output);
  return 0;
}

}  // namespace

void add_decompress(CLI::App& app, Action& action) {
  auto a = std::make_shared<Arguments>();
  CLI::App* c = app.add_subcommand("decompress", "Write the table of a .hay file");
  c->add_option("IN", a->input, "File to read")->required()->type_name("IN.hay");
  c->add_option("-o,--output", a->output, "Table to write: .npz, .npy, .csv, .csv.gz")->required()->type_name("OUT");
  c->add_option("--columns", a->columns, "Only columns that match a glob; several separated by commas")
      ->type_name("GLOB");
  c->add_option("--rows", a->rows, "Only rows A up to but without B; either may be left out")->type_name("A:B");
  add_threads(*c, a->threads);
  c->add_flag("--force", a->force, "Replace OUT if it exists");
  add_verbosity(*c);
  c->footer(
      "Examples:\n"
      "  haywatt decompress jets.hay -o jets.npz\n"
      "  haywatt decompress jets.hay -o part.csv --columns 'pt*,eta' --rows 1000:2000");
  c->callback([a, &action] { action = [a] { return decompress(*a); }; });
}

}  // namespace haywatt::cli
