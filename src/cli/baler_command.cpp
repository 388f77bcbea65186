#include <fmt/format.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/base/log.hpp"
#include "haywatt/base/progress.hpp"
#include "haywatt/base/text.hpp"
#include "haywatt/codec/baler/project_files.hpp"

namespace haywatt::cli {
namespace {

struct ImportArguments {
  std::string project, output, frame;
  bool force = false, json = false;
};

std::array<std::uint32_t, 2> parse_frame(const std::string& text) {
  if (text.empty()) return {};
  const auto parts = split(text, 'x');
  const auto height = parts.size() == 2 ? parse_u64(parts[0]) : std::nullopt;
  const auto width = parts.size() == 2 ? parse_u64(parts[1]) : std::nullopt;
  constexpr std::uint64_t most = 1'000'000;
  if (!height || !width || *height < 1 || *width < 1 || *height > most || *width > most)
    fail_usage("--frame '" + text + "': write HEIGHTxWIDTH, such as 50x50");
  return {static_cast<std::uint32_t>(*height), static_cast<std::uint32_t>(*width)};
}

AtomicFile::Existing existing(bool force) {
  return force ? AtomicFile::Existing::Replace : AtomicFile::Existing::Refuse;
}

int import(const ImportArguments& a) {
  std::vector<std::string> notes;
  const baler::ProjectModel m = baler::import_project(a.project, parse_frame(a.frame), notes);
  baler::write_hayb(a.output, m, existing(a.force));
  for (const std::string& note : notes) log::warning(note);
  if (a.json) {
    fmt::print("{}\n", nlohmann::json{{"schema", "haywatt-baler-import/1"},
                                      {"output", a.output},
                                      {"model", m.model_name},
                                      {"features", m.features()},
                                      {"latent", m.latent()},
                                      {"parameters", m.parameters()},
                                      {"sources", m.sources},
                                      {"notes", notes}}
                           .dump(2));
    return 0;
  }
  log::info(fmt::format("{}: {}, {} -> {} values a row, {} parameters, {}", a.output, m.model_name, m.features(),
                        m.latent(), m.parameters(), m.float32 ? "float32" : "float64"));
  return 0;
}

struct FileArguments {
  std::string model, input, output, error_bound, arithmetic;
  int threads = 1;
  bool as_baler = false, force = false, json = false;
};

std::optional<double> parse_percent(const std::string& text) {
  if (text.empty()) return std::nullopt;
  const bool percent = text.back() == '%';
  const auto value = parse_double(std::string_view(text).substr(0, text.size() - (percent ? 1 : 0)));
  if (!percent || !value || !(*value > 0.0) || !(*value < 1e6))
    fail_usage("--error-bound '" + text + "': write a positive percentage of the value, such as 10%");
  return value;
}

const std::map<std::string, baler::Arithmetic>& arithmetics() {
  static const std::map<std::string, baler::Arithmetic> known = {{"float64", baler::Arithmetic::Float64},
                                                                 {"float32", baler::Arithmetic::Float32},
                                                                 {"bfloat16", baler::Arithmetic::BFloat16},
                                                                 {"int8", baler::Arithmetic::Int8}};
  return known;
}

nlohmann::json to_json(const baler::ProjectOutcome& o, const FileArguments& a, const char* schema) {
  nlohmann::json deviation;
  if (o.deviation)
    deviation = {{"sample_rows", o.sample_rows},
                 {"largest", o.deviation->largest},
                 {"rms", o.deviation->rms},
                 {"reference_rms", o.deviation->reference_rms}};
  return {{"schema", schema},
          {"output", a.output},
          {"as_baler", a.as_baler},
          {"arithmetic", a.arithmetic.empty() ? "own" : a.arithmetic},
          {"deviation", deviation},
          {"rows", o.rows},
          {"features", o.features},
          {"latent", o.latent},
          {"input_B", o.input_bytes},
          {"file_B", o.file_bytes},
          {"correction_B", o.correction_bytes},
          {"bounded", o.bounded},
          {"corrections", o.corrections},
          {"exact_values", o.exact_values},
          {"not_finite", o.not_finite},
          {"worst_relative_percent", o.worst_relative_percent},
          {"notes", o.notes}};
}

int run_files(const FileArguments& a, bool compress) {
  baler::ProjectOptions options;
  options.as_baler = a.as_baler;
  options.error_bound_percent = parse_percent(a.error_bound);
  if (!a.arithmetic.empty()) options.arithmetic = arithmetics().at(a.arithmetic);
  options.threads = a.threads;
  options.existing = existing(a.force);
  const baler::ProjectModel model = baler::read_hayb(a.model);
  baler::ProjectOutcome o;
  {
    Progress bar((compress ? "compress " : "decompress ") + a.input);
    options.progress = [&bar](double done) { bar.update(done); };
    o = compress ? baler::compress_project(model, a.input, a.output, options)
                 : baler::decompress_project(model, a.input, a.output, options);
  }
  for (const std::string& note : o.notes) log::warning(note);
  if (o.not_finite > 0)
    log::warning(fmt::format("{} values are NaN or infinite: the network saw the column's minimum instead{}",
                             o.not_finite,
                             o.bounded ? "; they are stored as they are" : ", and so will the decompressed file"));
  if (a.json) {
    fmt::print("{}\n", to_json(o, a, compress ? "haywatt-baler-compress/1" : "haywatt-baler-decompress/1").dump(2));
    return 0;
  }
  std::string line = fmt::format("{}: {} rows, {} -> {}", a.output, o.rows, si(static_cast<double>(o.input_bytes), "B"),
                                 si(static_cast<double>(o.file_bytes + o.correction_bytes), "B"));
  if (o.corrections + o.exact_values > 0)
    line += fmt::format(", {} corrections and {} exact values", o.corrections, o.exact_values);
  if (compress && o.bounded && !a.as_baler) line += fmt::format(", largest error {:.4g} %", o.worst_relative_percent);
  if (compress && !o.bounded) line += ", no error bound was asked for";
  log::info(line);
  if (o.deviation)
    log::info(
        fmt::format("{} is off the model's own precision by {:.2g} of the values' spread (rms), at most {:.2g} in "
                    "normalised values, "
                    "in the first {} rows",
                    a.arithmetic, o.deviation->reference_rms > 0 ? o.deviation->rms / o.deviation->reference_rms : 0.0,
                    o.deviation->largest, o.sample_rows));
  return 0;
}

void add_import(CLI::App& baler, Action& action) {
  auto a = std::make_shared<ImportArguments>();
  CLI::App* c = baler.add_subcommand("import", "Make one .hayb file of a trained project's folder");
  c->add_option("PROJECT", a->project, "Folder of the project, with config/ and output/; nothing in it is run")
      ->required();
  c->add_option("-o,--output", a->output, "File to write")->required()->type_name("OUT.hayb");
  c->add_option("--frame", a->frame, "Size of the images, if no file of the project tells it")
      ->type_name("HEIGHTxWIDTH");
  c->add_flag("--force", a->force, "Replace OUT.hayb if it exists");
  c->add_flag("--json", a->json, "Print the result as JSON (docs/cli-json.md)");
  add_verbosity(*c);
  c->footer("Examples:\n  haywatt baler import workspaces/CMS_workspace/CMS_project_v1 -o cms.hayb");
  c->callback([a, &action] { action = [a] { return import(*a); }; });
}

void add_files(CLI::App& baler, Action& action, bool compress) {
  auto a = std::make_shared<FileArguments>();
  CLI::App* c = compress ? baler.add_subcommand("compress", "Encode a table to Baler's compressed.npz")
                         : baler.add_subcommand("decompress", "Decode Baler's compressed.npz");
  c->add_option("MODEL", a->model, "Imported project (.hayb)")->required();
  c->add_option("IN", a->input,
                compress ? "Table to read (.npz with data and names)" : "File to read; corrections lie beside it")
      ->required()
      ->type_name("IN.npz");
  c->add_option("-o,--output", a->output, compress ? "File to write; corrections go beside it" : "Table to write")
      ->required()
      ->type_name("OUT.npz");
  c->add_flag("--as-baler", a->as_baler,
              compress ? "Find the range anew in IN, and correct by Baler's rule, as Baler does"
                       : "Truncate whole-number columns, as Baler does");
  if (compress)
    c->add_option("--error-bound", a->error_bound,
                  "Correct every value that is further off than this share of it (default: what the project says)")
        ->type_name("P%");
  c->add_option("--arithmetic", a->arithmetic,
                "What the network computes in, instead of the model's own precision; float32 also halves float64 "
                "latents. Prints how far off it is")
      ->check(CLI::IsMember({"float64", "float32", "bfloat16", "int8"}))
      ->type_name("NAME");
  add_threads(*c, a->threads);
  c->add_flag("--force", a->force, "Replace OUT.npz and its corrections if they exist");
  c->add_flag("--json", a->json, "Print the result as JSON (docs/cli-json.md)");
  add_verbosity(*c);
  c->footer(compress ? "Examples:\n  haywatt baler compress cms.hayb jets.npz -o compressed.npz\n"
                       "  haywatt baler compress cms.hayb jets.npz -o compressed.npz --error-bound 10%"
                     : "Examples:\n  haywatt baler decompress cms.hayb compressed.npz -o decompressed.npz");
  c->callback([a, compress, &action] { action = [a, compress] { return run_files(*a, compress); }; });
}

}  // namespace

void add_baler(CLI::App& app, Action& action) {
  CLI::App* baler = app.add_subcommand("baler", "Use trained projects of Baler: import them, compress, decompress");
  baler->require_subcommand(1);
  add_import(*baler, action);
  add_files(*baler, action, true);
  add_files(*baler, action, false);
  add_baler_count(*baler, action);
  baler->footer(
      "Examples:\n"
      "  haywatt baler import workspaces/W/P -o p.hayb\n"
      "  haywatt baler compress p.hayb data.npz -o compressed.npz\n"
      "  haywatt baler decompress p.hayb compressed.npz -o decompressed.npz\n"
      "  haywatt baler count p.hayb\n"
      "  haywatt inspect p.hayb");
}

}  // namespace haywatt::cli
