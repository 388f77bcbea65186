#include <fmt/format.h>

#include <algorithm>

#include "haywatt/report/report.hpp"
#include "report/program_view.hpp"
#include "report/text.hpp"

namespace haywatt::report {
namespace {

constexpr std::size_t rows_at_most = 100;

std::string figure_cell(const std::optional<Figure>& f) { return f ? with_interval(*f) : "unknown"; }

std::string phases_table(const ProgramView& view) {
  std::string text =
      "| phase | wall time | CPU time | energy, marginal | energy, attributed |\n|---|--:|--:|--:|--:|\n";
  for (std::size_t i = 0; i < std::min(rows_at_most, view.run.phases.size()); ++i) {
    const PhaseRecord& p = view.run.phases[i];
    text += fmt::format("| {} | {} | {} | {} | {} |\n", escape_markdown(p.name), quantity(p.wall_s, "s"),
                        quantity(p.cpu_s, "s"), figure_cell(phase_figure(p, view.basis, "marginal")),
                        figure_cell(phase_figure(p, view.basis, "attributed")));
  }
  return text + fmt::format("| whole run | {} | {} | {} | {} |\n", quantity(view.run.wall_s, "s"),
                            quantity(view.run.cpu_s, "s"), figure_cell(view.marginal), figure_cell(view.attributed));
}

std::string energy_table(const RunRecord& run) {
  std::string text = "| sensor | tier | boundary | share | rule | energy | note |\n|---|---|---|---|---|--:|---|\n";
  for (const EnergyFigure& e : run.energy)
    text += fmt::format("| {} | {} | {} | {} | {} | {} | {} |\n", escape_markdown(e.sensor), escape_markdown(e.tier),
                        escape_markdown(e.boundary), escape_markdown(e.share), escape_markdown(e.rule),
                        e.known ? with_interval(e.joules) : "unknown", escape_markdown(e.note));
  return text;
}

}  // namespace

std::string to_markdown(const ProgramRecord& record, const CarbonBasis& carbon) {
  const ProgramView view(record, carbon);
  const RunRecord& run = record.run;
  std::string text =
      fmt::format("# {}\n\n{}\n\n", escape_markdown(title_of(view)), escape_markdown(subject_line(view)));
  for (const auto& [term, sentences] : headline(view)) {
    text += fmt::format("**{}.**", term);
    for (const std::string& s : sentences) text += " " + escape_markdown(s);
    text += "\n\n";
  }
  if (!run.phases.empty()) text += "## Phases\n\n" + phases_table(view) + "\n";
  text += "## Energy, with 95 % intervals\n\n" + energy_table(run) + "\n";
  const auto formulas = rule_formulas(view.basis);
  text += markdown_block(formulas.at(0) + "\n" + formulas.at(1)) + "\n" + escape_markdown(formulas.at(2)) + "\n\n";
  if (view.attributed && !view.attributed->components.empty()) {
    text += "| component | interval if alone | share of the variance |\n|---|--:|--:|\n";
    for (const UncertaintyPart& p : uncertainty_parts(*view.attributed))
      text += fmt::format("| {} | {} | {:.1f} % |\n", escape_markdown(p.component.name), p.alone, 100.0 * p.share);
    text += "\n";
  }
  if (!run.warnings.empty()) {
    text += "## Warnings\n\n";
    for (const std::string& w : run.warnings) text += "- " + escape_markdown(w) + "\n";
    text += "\n";
  }
  return text + "## How to repeat it\n\n" +
         markdown_block(run.tree ? "haywatt meter -o run.json -- " + view.command : view.command);
}

}  // namespace haywatt::report
