#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.hpp"
#include "haywatt/base/file.hpp"
#include "haywatt/base/text.hpp"
#include "haywatt/codec/baler/project.hpp"
#include "haywatt/codec/hay_file.hpp"

namespace haywatt::cli {
namespace {

std::string shape_of(const ColumnInfo& c) {
  std::string text = std::to_string(c.rows);
  for (const std::uint64_t n : c.inner_shape) text += " x " + std::to_string(n);
  return c.layout == Layout::Jagged ? text + " x (list)" : text;
}

void print_columns(const Schema& s, const std::vector<ResolvedBound>* bounds) {
  std::size_t width = 6;
  for (const ColumnInfo& c : s.columns) width = std::max(width, std::min<std::size_t>(c.name.size(), 40));
  fmt::print("{:<{}}  {:<5}  {:<16}{}\n", "column", width, "type", "shape", bounds != nullptr ? "  bound" : "");
  for (std::size_t i = 0; i < s.columns.size(); ++i) {
    const ColumnInfo& c = s.columns[i];
    std::string bound;
    if (bounds != nullptr) {
      const ResolvedBound& b = (*bounds)[i];
      bound = b.kind == BoundKind::Lossless ? "lossless"
              : b.kind == BoundKind::Bits   ? fmt::format("bits {}", b.mantissa_bits)
              : b.kind == BoundKind::None
                  ? "none"
                  : fmt::format("{} {:.4g}", b.kind == BoundKind::Abs ? "abs" : "rel", b.epsilon);
      if (b.requested != bound) bound += " (asked: " + b.requested + ")";
      bound.insert(0, 2, ' ');
    }
    fmt::print("{:<{}}  {:<5}  {:<16}{}\n", c.name, width, c.dtype.name(), shape_of(c), bound);
  }
}

bool is_hay(const std::string& path) {
  const InputFile file(path);
  if (file.size() < 4) return false;
  return as_text(file.read_at(0, 4)) == "\x89HAY";
}

int inspect_hayb(const std::string& path, bool json) {
  const baler::ProjectModel m = baler::read_hayb(path);
  const baler::ProjectSettings& s = m.settings;
  if (json) {
    fmt::print("{}\n", nlohmann::json{{"schema", "haywatt-inspect/1"},
                                      {"file", path},
                                      {"format", "hayb"},
                                      {"model", m.model_name},
                                      {"arithmetic", m.float32 ? "float32" : "float64"},
                                      {"features", m.features()},
                                      {"latent", m.latent()},
                                      {"parameters", m.parameters()},
                                      {"macs_encode_per_row", m.macs_encode_per_row()},
                                      {"macs_decode_per_row", m.macs_decode_per_row()},
                                      {"data_dimension", s.data_dimension},
                                      {"apply_normalization", s.apply_normalization},
                                      {"error_bounded", s.error_bounded},
                                      {"error_bound_percent", s.error_bound_percent},
                                      {"frame", m.frame},
                                      {"block", s.block},
                                      {"names", m.names},
                                      {"sources", m.sources}}
                           .dump(2));
    return 0;
  }
  fmt::print("{}: .hayb, a Baler project's model {}, {} -> {} values a row, {}\n", path, m.model_name, m.features(),
             m.latent(), m.float32 ? "float32" : "float64");
  fmt::print("{} parameters; multiply-accumulates a row: {} to encode, {} to decode\n", m.parameters(),
             m.macs_encode_per_row(), m.macs_decode_per_row());
  if (s.data_dimension == 2) fmt::print("images of {} x {}\n", m.frame[0], m.frame[1]);
  if (s.block[0] != 0) fmt::print("cut into blocks of {} x {}\n", s.block[0], s.block[1]);
  fmt::print("normalised: {}; error bound: {}\n", s.apply_normalization ? "by column" : "no",
             s.error_bounded ? fmt::format("{} %", s.error_bound_percent) : "none");
  for (const auto& [file, hash] : m.sources) fmt::print("from {}  {}\n", file, hash);
  for (std::size_t i = 0; i < m.names.size(); ++i)
    fmt::print("column {}{}\n", m.names[i], s.type_list.empty() ? "" : "  " + s.type_list[i]);
  return 0;
}

int inspect(const std::string& path, bool json) {
  if (baler::is_hayb(path)) return inspect_hayb(path, json);
  if (is_hay(path)) {
    const HayReader file(path);
    const HayHeader& h = file.header();
    if (json) {
      nlohmann::json sections = nlohmann::json::array();
      for (const auto& [name, bytes] : file.sections()) sections.push_back({{"type", name}, {"bytes", bytes}});
      fmt::print("{}\n", nlohmann::json{{"schema", "haywatt-inspect/1"},
                                        {"file", path},
                                        {"format", "hay"},
                                        {"writer", h.writer},
                                        {"method", h.method.text()},
                                        {"method_version", h.method_version},
                                        {"table", h.schema},
                                        {"chunk_rows", h.chunk_rows},
                                        {"sections", sections},
                                        {"notes", file.notes()}}
                             .dump(2));
      return 0;
    }
    fmt::print("{}: .hay version {}, {}, written by {}\n", path, hay_version,
               si(static_cast<double>(file.file_bytes()), "B"), h.writer);
    fmt::print("method {} ({}), {} chunks of {} rows, {} of raw values\n", h.method.text(), h.method_version,
               h.chunks(), h.chunk_rows, si(static_cast<double>(h.schema.raw_bytes()), "B"));
    for (const auto& [name, bytes] : file.sections()) fmt::print("section {}  {:>12} B\n", name, bytes);
    print_columns(h.schema, &h.bounds);
    return 0;
  }
  const auto table = open_table(path);
  const Schema& s = table->schema();
  if (json) {
    fmt::print(
        "{}\n",
        nlohmann::json{{"schema", "haywatt-inspect/1"}, {"file", path}, {"format", s.format}, {"table", s}}.dump(2));
    return 0;
  }
  fmt::print("{}: {}, {} on disk, {} of values\n", path, s.format, si(static_cast<double>(table->file_bytes()), "B"),
             si(static_cast<double>(s.raw_bytes()), "B"));
  print_columns(s, nullptr);
  return 0;
}

}  // namespace

void add_inspect(CLI::App& app, Action& action) {
  struct Arguments {
    std::string input;
    bool json = false;
  };
  auto a = std::make_shared<Arguments>();
  CLI::App* c = app.add_subcommand("inspect", "Show what is in a .hay file, a .hayb file or a table");
  c->add_option("FILE", a->input, "A .hay file, a .hayb file or a table")->required();
  c->add_flag("--json", a->json, "Print it as JSON (docs/cli-json.md)");
  add_verbosity(*c);
  c->footer("Examples:\n  haywatt inspect jets.hay\n  haywatt inspect jets.npz --json");
  c->callback([a, &action] { action = [a] { return inspect(a->input, a->json); }; });
}

}  // namespace haywatt::cli
