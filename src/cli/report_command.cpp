#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <variant>

#include "cli/commands.hpp"
#include "cli/study_reports.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/base/file.hpp"
#include "haywatt/base/log.hpp"
#include "haywatt/experiment/ladder.hpp"
#include "haywatt/experiment/study.hpp"
#include "haywatt/metrics/grid.hpp"
#include "haywatt/record/bottleneck.hpp"
#include "haywatt/record/compare.hpp"
#include "haywatt/record/ladder.hpp"
#include "haywatt/record/layouts.hpp"
#include "haywatt/record/profile.hpp"
#include "haywatt/report/report.hpp"
#include "haywatt/trace/exports.hpp"

namespace haywatt::cli {
namespace {

struct Arguments {
  std::string input, format = "html", output, country;
  double grid_g_per_kWh = 0.0, pue = 0.0;  ///< 0: not given
};

using Record = std::variant<StudyRecord, ProgramRecord, ComparisonRecord, LayoutsRecord, LadderRecord, ProfileRecord,
                            BottleneckRecord>;

/// A study, one run, a comparison, layouts, a ladder or a profile as JSON.
Record read_record(const std::string& path) {
  const nlohmann::json j = nlohmann::json::parse(read_text_file(path), nullptr, false);
  if (!j.is_object() || !j.contains("schema")) fail_input(path + " is not a record of haywatt (docs/records.md)");
  try {
    if (j["schema"] == "haywatt-compare/1") return j.get<ComparisonRecord>();
    if (j["schema"] == "haywatt-bottleneck/1") return j.get<BottleneckRecord>();
    if (j["schema"] == "haywatt-layouts/1") return j.get<LayoutsRecord>();
    if (j["schema"] == "haywatt-profile/1") return j.get<ProfileRecord>();
    if (j["schema"] == "haywatt-ladder/1") return j.get<LadderRecord>();
    if (j.contains("runs")) return j.get<StudyRecord>();
    return j.get<ProgramRecord>();
  } catch (const nlohmann::json::exception& e) {
    fail_input(path + " is not a record of haywatt: " + e.what());
  }
}

/// A study with this one run.
StudyRecord study_of(const ProgramRecord& record) {
  StudyRecord study;
  study.runs.push_back(record.run);
  study.title = record.run.label;
  study.started = record.run.started;
  study.machine = record.machine;
  study.haywatt_version = record.haywatt_version;
  return study;
}

bool is_export(const std::string& format) { return format != "html" && format != "md" && format != "json"; }

std::string file_ending(const std::string& format) {
  if (format == "json") return "metrics.json";
  if (format == "improvements") return "improvements.md";
  if (format == "prmon") return "prmon.json";
  if (format == "prmon-txt") return "prmon.txt";
  if (format == "codecarbon") return "emissions.csv";
  if (format == "chrome-trace") return "trace.json";
  return "report." + format;
}

std::string default_output(const std::string& input, bool folder, const std::string& format) {
  return (folder ? input + "/" : input.substr(0, input.rfind(".json")) + "-") + file_ending(format);
}

metrics::Grid chosen_grid(const Arguments& a) {
  if (a.grid_g_per_kWh > 0.0) return metrics::given_grid(a.grid_g_per_kWh);
  if (a.country.empty()) return metrics::world_grid();
  const auto grid = metrics::country_grid(a.country);
  if (!grid)
    fail_usage("no grid intensity is known for country '" + a.country +
               "': write its ISO 3166 code (FRA) or English name, or give --grid in gCO2e/kWh");
  return *grid;
}

std::string exported(const ProgramRecord& record, const Arguments& a) {
  if (a.format == "prmon") return trace::to_prmon_json(record);
  if (a.format == "prmon-txt") return trace::to_prmon_text(record);
  if (a.format == "chrome-trace") return trace::to_chrome_trace(record);
  trace::CodeCarbonOptions options;
  options.grid = chosen_grid(a);
  if (a.pue > 0.0) options.pue = metrics::given_pue(a.pue);
  return trace::to_codecarbon_csv(record, options);
}

void require_no_carbon_options(const Arguments& a, const std::string& what) {
  if (!a.country.empty() || a.grid_g_per_kWh > 0.0 || a.pue > 0.0)
    fail_usage("--country, --grid and --pue do not apply to " + what);
}

std::string render(const Record& record, const Arguments& a, const report::Attachments& attachments) {
  if (const auto* study = std::get_if<StudyRecord>(&record)) {
    if (study->runs.empty()) fail_input(a.input + " has no runs to report yet");
    if (a.format == "improvements") fail_usage("--format improvements is for a ladder: " + a.input + " holds a study");
    if (is_export(a.format))
      fail_usage("--format " + a.format + " is for one run and " + a.input +
                 " holds a study: give the record of one run (haywatt meter -o FILE.json)");
    require_no_carbon_options(a, "the report of a study");
    return render_report(*study, a.format, attachments);
  }
  if (const auto* comparison = std::get_if<ComparisonRecord>(&record)) {
    require_no_carbon_options(a, "a comparison");
    if (a.format == "html") return report::to_html(*comparison);
    if (a.format == "md") return report::to_markdown(*comparison);
    fail_usage("--format " + a.format + " does not apply to a comparison: write html or md");
  }
  if (const auto* bottleneck = std::get_if<BottleneckRecord>(&record)) {
    require_no_carbon_options(a, "a bottleneck");
    if (a.format == "html") return report::to_html(*bottleneck);
    if (a.format == "md") return report::to_markdown(*bottleneck);
    fail_usage("--format " + a.format + " does not apply to a bottleneck: write html or md");
  }
  if (const auto* layouts = std::get_if<LayoutsRecord>(&record)) {
    require_no_carbon_options(a, "layouts");
    if (a.format == "html") return report::to_html(*layouts);
    if (a.format == "md") return report::to_markdown(*layouts);
    fail_usage("--format " + a.format + " does not apply to layouts: write html or md");
  }
  if (const auto* profile = std::get_if<ProfileRecord>(&record)) {
    require_no_carbon_options(a, "a profile");
    if (a.format == "html") return report::to_html(*profile);
    if (a.format == "md") return report::to_markdown(*profile);
    fail_usage("--format " + a.format + " does not apply to a profile: write html or md");
  }
  if (const auto* ladder = std::get_if<LadderRecord>(&record)) {
    require_no_carbon_options(a, "a ladder");
    if (a.format == "html") return report::to_html(*ladder);
    if (a.format == "md") return report::to_markdown(*ladder);
    if (a.format == "improvements") return report::to_improvements(*ladder);
    fail_usage("--format " + a.format + " does not apply to a ladder: write html, md or improvements");
  }
  if (a.format == "improvements") fail_usage("--format improvements is for a ladder: " + a.input + " holds none");
  const auto& program = std::get<ProgramRecord>(record);
  if (is_export(a.format)) {
    if (a.format != "codecarbon") require_no_carbon_options(a, "--format " + a.format);
    return exported(program, a);
  }
  if (!program.run.tree) {
    require_no_carbon_options(a, "the report of a study's run");
    return render_report(study_of(program), a.format);
  }
  report::CarbonBasis carbon;
  carbon.grid = chosen_grid(a);
  if (a.pue > 0.0) carbon.pue = metrics::given_pue(a.pue);
  if (a.format == "html") return report::to_html(program, carbon);
  if (a.format == "md") return report::to_markdown(program, carbon);
  return report::to_summary(program, carbon).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

int report(const Arguments& a) {
  std::error_code ignored;
  const bool folder = std::filesystem::is_directory(a.input, ignored);
  const bool ladder = folder && std::filesystem::exists(a.input + "/" + experiment::ladder_file);
  const Record record = ladder   ? Record(experiment::load_ladder(a.input))
                        : folder ? Record(experiment::load_study(a.input))
                                 : read_record(a.input);
  const std::string text = render(record, a, folder && !ladder ? find_attachments(a.input) : report::Attachments{});
  if (a.output == "-") {
    std::fputs(text.c_str(), stdout);  // main() tells a failure
    return 0;
  }
  const std::string output = a.output.empty() ? default_output(a.input, folder, a.format) : a.output;
  write_text_file(output, text);
  if (const auto* study = std::get_if<StudyRecord>(&record); study != nullptr && folder && study->finished.empty())
    log::warning(fmt::format("the study is unfinished: the report is of the {} runs made so far", study->runs.size()));
  fmt::print("report: {}\n", output);
  return 0;
}

}  // namespace

void add_report(CLI::App& app, Action& action) {
  auto a = std::make_shared<Arguments>();
  CLI::App* c = app.add_subcommand("report", "Write the report of a study or of a metered program, or export a record");
  c->add_option("DIR|RECORD.json", a->input,
                "Folder of a study or a ladder, or a study, a run, a comparison, a bottleneck, layouts, a ladder or a "
                "profile as "
                "JSON "
                "(docs/records.md)")
      ->required();
  c->add_option("--format", a->format,
                "html, md or json; of one run also prmon, prmon-txt, codecarbon, chrome-trace (docs/exports.md); of a "
                "ladder also "
                "improvements (docs/ladder.md)")
      ->check(CLI::IsMember({"html", "md", "json", "prmon", "prmon-txt", "codecarbon", "chrome-trace", "improvements"}))
      ->capture_default_str();
  auto* grid = c->add_option("--grid", a->grid_g_per_kWh, "Grid intensity for carbon, gCO2e/kWh")
                   ->type_name("G")
                   ->check(CLI::PositiveNumber);
  c->add_option("--country", a->country, "Country whose grid is used for carbon, as FRA or France (default: the world)")
      ->type_name("NAME")
      ->excludes(grid);
  c->add_option("--pue", a->pue, "Power usage effectiveness of the building (default: 1.56; for codecarbon 1)")
      ->type_name("X")
      ->check(CLI::Range(1.0, 100.0));
  c->add_option("-o,--output", a->output,
                "File to write, replaced if it is there; - for standard output (default: report.* in DIR, or beside "
                "RECORD.json)")
      ->type_name("FILE");
  add_verbosity(*c);
  c->footer(
      "Examples:\n"
      "  haywatt report jets-study\n"
      "  haywatt report baler-ladder\n"
      "  haywatt report jets-study --format md -o -\n"
      "  haywatt report run.json\n"
      "  haywatt report run.json --format chrome-trace      # for ui.perfetto.dev\n"
      "  haywatt report run.json --format codecarbon --country FRA -o emissions.csv");
  c->callback([a, &action] { action = [a] { return report(*a); }; });
}

}  // namespace haywatt::cli
