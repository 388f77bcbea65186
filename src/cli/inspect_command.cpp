#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.hpp"
#include "haywatt/base/file.hpp"
#include "haywatt/base/text.hpp"
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

int inspect(const std::string& path, bool json) {
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
  CLI::App* c = app.add_subcommand("inspect", "Show what is in a .hay file or a table");
  c->add_option("FILE", a->input, "A .hay file or a table")->required();
  c->add_flag("--json", a->json, "Print it as JSON (docs/cli-json.md)");
  add_verbosity(*c);
  c->footer("Examples:\n  haywatt inspect jets.hay\n  haywatt inspect jets.npz --json");
  c->callback([a, &action] { action = [a] { return inspect(a->input, a->json); }; });
}

}  // namespace haywatt::cli
