#include "report/program_sections.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/run_series.hpp"
#include "report/sections.hpp"
#include "report/text.hpp"

namespace haywatt::report {
namespace {

constexpr std::size_t rows_at_most = 100;  // of phases: a page is for reading

std::string number_cell(const std::string& text) {
  return fmt::format("<td class=\"number\">{}</td>", escape_html(text));
}
std::string figure_cell(const std::optional<Figure>& f) {
  if (!f) return "<td class=\"number unknown\">unknown</td>";
  return fmt::format("<td class=\"number\"><b>{}</b><span class=\"interval\">{}</span></td>",
                     escape_html(quantity(f->value, f->unit)), escape_html(narrow_interval(*f)));
}
std::string paragraph(const std::string& text, const char* kind = "") {
  return fmt::format("<p{}>{}</p>\n", kind, escape_html(text));
}

std::string chart(const char* id, const char* label, const char* size) {
  return fmt::format("<div class=\"chart {}\"><canvas id=\"{}\" role=\"img\" aria-label=\"{}\"></canvas></div>\n", size,
                     id, label);
}

/// One bar of stacked parts, in the order of the phases; nothing to draw: empty.
std::string stacked_bar(const std::string& title, const std::string& total, const std::vector<double>& parts,
                        const std::vector<std::string>& names, const std::vector<std::string>& colours) {
  double sum = 0.0;
  for (const double part : parts) sum += part;
  if (!(sum > 0.0) || !std::isfinite(sum)) return {};
  std::string bar;
  for (std::size_t k = 0; k < parts.size(); ++k) {
    const double percent = 100.0 * parts[k] / sum;
    if (percent <= 0.0) continue;
    bar += fmt::format("<i style=\"width:{:.3f}%;background:var({})\" title=\"{}: {} %\"></i>", percent, colours[k],
                       escape_html(names[k]), digits(percent));
  }
  return fmt::format("<div class=\"bar\"><span>{}</span><div aria-hidden=\"true\">{}</div><b>{}</b></div>\n",
                     escape_html(title), bar, escape_html(total));
}

}  // namespace

std::vector<std::string> phase_colours(const ProgramView& view) {
  constexpr std::size_t colours = 10;  // --p0 to --p9 in style.css
  std::vector<std::string> out;
  for (std::size_t k = 0; k < view.phase_names.size(); ++k)
    out.push_back(view.phase_names[k] == "other" ? "--other" : fmt::format("--p{}", k % colours));
  return out;
}

std::string phase_legend(const ProgramView& view, bool with_other) {
  const auto colours = phase_colours(view);
  std::string html = "<div class=\"legend\">";
  for (std::size_t k = 0; k < std::min(rows_at_most, view.phase_names.size()); ++k)
    if (with_other || view.phase_names[k] != "other")
      html += fmt::format("<span><i style=\"background:var({})\"></i>{}</span>", colours[k],
                          escape_html(view.phase_names[k]));
  return html + "</div>\n";
}

std::string headline_html(const ProgramView& view) {
  std::string html;
  for (const auto& [term, sentences] : headline(view)) {
    std::string text;
    for (const std::string& s : sentences) text += fmt::format("<p>{}</p>", escape_html(s));
    html += fmt::format("<dt>{}</dt><dd>{}</dd>\n", term, text);
  }
  return html;
}

std::string power_html(const ProgramView& view) {
  const bool drawn =
      std::any_of(view.run.power.begin(), view.run.power.end(), [](const PowerSeries& p) { return !p.watts.empty(); });
  if (!drawn)
    return paragraph(view.basis.known ? "The record has no power over time." : "Energy is unknown, so power is too.",
                     " class=\"empty\"");
  std::string html =
      "<p>Each step is the mean between two readings. The interval of the whole run holds for the level of a curve, "
      "less "
      "for its shape.";
  if (view.basis.estimated) html += " The estimate follows CPU time, so this curve has the shape of CPU use.";
  html += "</p>\n";
  if (!view.run.spans.empty())
    html += "<p class=\"small\">Shaded: the phase most active at that time.</p>\n" + phase_legend(view, false);
  return html + chart("power", "Stepped lines of power over time, one a sensor and rule", "");
}

std::string samples_html(const ProgramView& view) {
  if (view.run.samples.size() < 2)
    return paragraph("The run was too short for the sampler to draw anything over time.", " class=\"empty\"");
  std::string html;
  if (!view.run.spans.empty())
    html += "<p class=\"small\">Shaded: the phase most active at that time.</p>\n" + phase_legend(view, false);
  html += chart("cpu", "Line chart of CPUs in use over time", "low") +
          chart("memory", "Line chart of resident memory over time", "low") +
          chart("transfers", "Line chart of bytes a second read and written by calls", "low");
  if (sample_series(view.run.samples, view.run.samples.size()).counts_processes)
    html += chart("processes", "Line chart of processes and threads alive over time", "low");
  return html;
}

std::string phases_html(const ProgramView& view) {
  const RunRecord& run = view.run;
  if (run.phases.empty()) return paragraph("The record has no phases.", " class=\"empty\"");
  if (view.phase_names.size() == 1 && view.phase_names.front() == "other")
    return paragraph(
        "The program marked no phases, so there is nothing to divide. A line written to the file named in "
        "HAYWATT_PHASES, "
        "or --phases-from, marks some.");
  std::string html;
  const auto colours = phase_colours(view);
  std::vector<double> wall(view.phase_names.size()), cpu(wall), joules(wall);
  for (const PhaseRecord& p : run.phases) {
    const auto at = std::find(view.phase_names.begin(), view.phase_names.end(), top_level(p.name));
    const auto k = static_cast<std::size_t>(at - view.phase_names.begin());
    wall[k] += p.wall_s;
    cpu[k] += p.cpu_s;
    if (const auto figure = phase_figure(p, view.basis, "attributed")) joules[k] += figure->value;
  }
  html += phase_legend(view, true);
  html += "<div class=\"bars\">\n" +
          stacked_bar("Wall time", quantity(run.wall_s, "s"), wall, view.phase_names, colours) +
          stacked_bar("CPU time", quantity(run.cpu_s, "s"), cpu, view.phase_names, colours);
  if (view.attributed)
    html += stacked_bar("Energy, attributed", quantity(view.attributed->value, "J"), joules, view.phase_names, colours);
  html += "</div>\n";
  html +=
      "<div class=\"wide\"><table class=\"compact\"><caption class=\"hidden\">Time and energy of each phase</caption>\n"
      "<thead><tr><th scope=\"col\">Phase</th><th scope=\"col\" class=\"number\">Wall time</th><th scope=\"col\">CPU "
      "time</th><th scope=\"col\">Energy, marginal</th><th scope=\"col\">Energy, attributed</th><th "
      "scope=\"col\">Mean power, attributed</th></tr></thead>\n<tbody>\n";
  for (std::size_t i = 0; i < std::min(rows_at_most, run.phases.size()); ++i) {
    const PhaseRecord& p = run.phases[i];
    const auto attributed = phase_figure(p, view.basis, "attributed");
    html += fmt::format("<tr><th scope=\"row\">{}</th>", escape_html(p.name));
    html += number_cell(quantity(p.wall_s, "s")) + number_cell(quantity(p.cpu_s, "s")) +
            figure_cell(phase_figure(p, view.basis, "marginal")) + figure_cell(attributed);
    html += number_cell(attributed && p.wall_s > 0.0 ? quantity(attributed->value / p.wall_s, "W") : "–") + "</tr>\n";
  }
  html += fmt::format(
      "<tr class=\"baseline\"><th scope=\"row\">whole run</th>{}{}{}{}{}</tr>\n",
      number_cell(quantity(run.wall_s, "s")), number_cell(quantity(run.cpu_s, "s")), figure_cell(view.marginal),
      figure_cell(view.attributed),
      number_cell(view.attributed && run.wall_s > 0.0 ? quantity(view.attributed->value / run.wall_s, "W") : "–"));
  html += "</tbody></table></div>\n";
  if (run.phases.size() > rows_at_most)
    html +=
        paragraph(fmt::format("{} further phases are not shown.", run.phases.size() - rows_at_most), " class=\"foot\"");
  return html +
         paragraph(
             "The phases add up to the run. Their intervals do not: most of their width is common to all of them.",
             " class=\"foot\"");
}

std::string program_warnings_html(const RunRecord& run) {
  if (run.warnings.empty()) return "<p>None.</p>";
  std::string html = "<ul>\n";
  for (const std::string& w : run.warnings) html += fmt::format("<li>{}</li>\n", escape_html(w));
  return html + "</ul>";
}

std::string program_facts_html(const ProgramView& view) {
  const RunRecord& run = view.run;
  std::string html = machine_facts(view.record.machine, view.record.haywatt_version);
  html += definition("Started", run.started) + definition("Label", run.label);
  if (run.tree) {
    const TreeRecord& t = *run.tree;
    html += definition("Ended", ending(run));
    html += definition("CPU time counted by", t.counted_by);
    html += definition("Stolen by a hypervisor", t.steal_s > 0.0 ? quantity(t.steal_s, "s") + " of CPU time" : "");
    html += definition("Context switches", fmt::format("{} voluntary, {} involuntary", count(t.voluntary_switches),
                                                       count(t.involuntary_switches)));
    html += definition("Major page faults", count(t.major_faults));
    html += definition("Start-up", quantity(t.start_up_s, "s") + " from the meter’s start to the program’s");
  }
  html += definition(
      "Cost of metering",
      quantity(run.sampler_cpu_s, "s") + " of CPU time" +
          (run.cpu_s > 0.0 ? fmt::format(", {} % of the program’s", digits(100.0 * run.sampler_cpu_s / run.cpu_s))
                           : ""));
  for (const auto& [name, value] : run.counts) html += definition(name, digits(value));
  return html;
}

}  // namespace haywatt::report
