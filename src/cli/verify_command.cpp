#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/base/log.hpp"
#include "haywatt/codec/pipeline.hpp"

namespace haywatt::cli {
namespace {

struct Arguments {
  std::string input, original;
  int threads = 1;
  bool json = false;
};

void print_table(const VerifyOutcome& o) {
  std::size_t width = 6;
  for (const ColumnOutcome& c : o.columns) width = std::max(width, std::min<std::size_t>(c.name.size(), 40));
  fmt::print("{:<{}}  {:<14}  {:>10}  {:>13}  {:>13}  {:>9}\n", "column", width, "bound", "epsilon", "max error",
             "max rel error", "outside");
  for (const ColumnOutcome& c : o.columns) {
    const bool has_epsilon = c.bound.kind == BoundKind::Abs || c.bound.kind == BoundKind::Rel;
    fmt::print("{:<{}}  {:<14}  {:>10}  {:>13.4g}  {:>13.4g}  {:>9}\n", c.name, width,
               c.bound.kind == BoundKind::Lossless && c.bound.requested != "lossless" ? "exact" : c.bound.requested,
               has_epsilon ? fmt::format("{:.4g}", c.bound.epsilon) : "-", c.error.max_abs, c.error.max_rel,
               c.error.violations);
  }
}

nlohmann::json to_json(const VerifyOutcome& o, const Arguments& a) {
  nlohmann::json columns = nlohmann::json::array();
  for (const ColumnOutcome& c : o.columns) {
    nlohmann::json j{{"name", c.name},
                     {"bound", c.bound.requested},
                     {"epsilon", c.bound.epsilon},
                     {"compressed_B", c.compressed_bytes}};
    if (!a.original.empty())
      j.update({{"values", c.error.values},
                {"exact", c.error.exact},
                {"violations", c.error.violations},
                {"max_abs_error", c.error.max_abs},
                {"max_rel_error", c.error.max_rel}});
    columns.push_back(std::move(j));
  }
  return {{"schema", "haywatt-verify/1"},     {"file", a.input},   {"against", a.original}, {"chunks", o.chunks},
          {"within_bounds", o.within_bounds}, {"columns", columns}};
}

int verify(const Arguments& a) {
  const auto original = a.original.empty() ? nullptr : open_table(a.original);
  const VerifyOutcome o = verify_file(a.input, original.get(), a.threads);
  if (a.json) {
    fmt::print("{}\n", to_json(o, a).dump(2));
  } else if (original && log::level() != log::Level::Quiet) {
    print_table(o);
  }
  if (!o.within_bounds) fail_check(a.input + ": values lie outside their bound");
  log::info(fmt::format("{}: {} chunks and all checksums are right{}", a.input, o.chunks,
                        original ? ", every value is within its bound" : ""));
  return 0;
}

}  // namespace

void add_verify(CLI::App& app, Action& action) {
  auto a = std::make_shared<Arguments>();
  CLI::App* c = app.add_subcommand("verify", "Check a .hay file, and its values against the original");
  c->add_option("IN", a->input, "File to check")->required()->type_name("IN.hay");
  c->add_option("--against", a->original, "The original table: every value must be within its bound")
      ->type_name("ORIGINAL");
  add_threads(*c, a->threads);
  c->add_flag("--json", a->json, "Print the result as JSON (docs/cli-json.md)");
  add_verbosity(*c);
  c->footer(
      "Exit code 0: all is right; 1: a value is outside its bound or the original is another table; 3: the file is "
      "damaged.\n"
      "Examples:\n"
      "  haywatt verify jets.hay\n"
      "  haywatt verify jets.hay --against jets.npz");
  c->callback([a, &action] { action = [a] { return verify(*a); }; });
}

}  // namespace haywatt::cli
