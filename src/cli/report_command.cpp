#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.hpp"
#include "cli/study_reports.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/base/file.hpp"
#include "haywatt/base/log.hpp"
#include "haywatt/experiment/study.hpp"

namespace haywatt::cli {
namespace {

struct Arguments {
  std::string input, format = "html", output;
};

/// A study as JSON, or one run of it, of which a study is made.
StudyRecord read_record(const std::string& path) {
  const nlohmann::json j = nlohmann::json::parse(read_text_file(path), nullptr, false);
  if (!j.is_object() || !j.contains("schema")) fail_input(path + " is not a record of haywatt (docs/records.md)");
  try {
    if (j.contains("runs")) return j.get<StudyRecord>();
    StudyRecord study;
    study.runs.push_back(j.get<RunRecord>());
    study.title = study.runs.front().label;
    study.started = study.runs.front().started;
    return study;
  } catch (const nlohmann::json::exception& e) {
    fail_input(path + " is not a record of haywatt: " + e.what());
  }
}

std::string default_output(const std::string& input, bool folder, const std::string& format) {
  const std::string base = folder ? input + "/" : input.substr(0, input.rfind(".json")) + "-";
  return base + (format == "json" ? "metrics.json" : "report." + format);
}

int report(const Arguments& a) {
  std::error_code ignored;
  const bool folder = std::filesystem::is_directory(a.input, ignored);
  const StudyRecord study = folder ? experiment::load_study(a.input) : read_record(a.input);
  if (study.runs.empty()) fail_input(a.input + " has no runs to report yet");
  const std::string text = render_report(study, a.format);
  if (a.output == "-") {
    std::fputs(text.c_str(), stdout);  // main() tells a failure
    return 0;
  }
  const std::string output = a.output.empty() ? default_output(a.input, folder, a.format) : a.output;
  write_text_file(output, text);
  if (folder && study.finished.empty())
    log::warning(fmt::format("the study is unfinished: the report is of the {} runs made so far", study.runs.size()));
  fmt::print("report: {}\n", output);
  return 0;
}

}  // namespace

void add_report(CLI::App& app, Action& action) {
  auto a = std::make_shared<Arguments>();
  CLI::App* c = app.add_subcommand("report", "Write the report of a study, or of a stored record, again");
  c->add_option("DIR|RECORD.json", a->input, "Folder of a study, or a study or run as JSON (docs/records.md)")
      ->required();
  c->add_option("--format", a->format, "html, md or json (metrics.json)")
      ->check(CLI::IsMember({"html", "md", "json"}))
      ->capture_default_str();
  c->add_option("-o,--output", a->output,
                "File to write, replaced if it is there; - for standard output (default: report.* in DIR)")
      ->type_name("FILE");
  add_verbosity(*c);
  c->footer(
      "Examples:\n"
      "  haywatt report jets-study\n"
      "  haywatt report jets-study --format md -o -\n"
      "  haywatt report record.json --format html -o record.html");
  c->callback([a, &action] { action = [a] { return report(*a); }; });
}

}  // namespace haywatt::cli
