// The sections on energy, its uncertainty, the processes and carbon.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "report/program_sections.hpp"
#include "report/text.hpp"

namespace haywatt::report {
namespace {

constexpr std::size_t processes_at_most = 20;

std::string cell(const std::string& text) { return fmt::format("<td>{}</td>", escape_html(text)); }
std::string number_cell(const std::string& text) {
  return fmt::format("<td class=\"number\">{}</td>", escape_html(text));
}

std::string energy_row(const EnergyFigure& e) {
  std::string html = fmt::format("<tr><th scope=\"row\">{}</th>", escape_html(e.sensor));
  html += cell(e.tier.empty() ? "–" : e.tier) + cell(e.boundary) + cell(e.share) + cell(e.rule.empty() ? "–" : e.rule);
  if (e.known)
    html += fmt::format("<td class=\"number\"><b>{}</b><span class=\"interval\">{}</span></td>",
                        escape_html(quantity(e.joules.value, "J")), escape_html(narrow_interval(e.joules)));
  else
    html += "<td class=\"number unknown\">unknown</td>";
  return html + cell(e.note) + "</tr>\n";
}

struct Shown {
  const ProcessRecord* process;
  std::size_t depth;
};

/// The processes that used most CPU time, in order of start, each with how deep it stands below the first shown.
std::vector<Shown> shown_processes(const TreeRecord& tree) {
  std::vector<const ProcessRecord*> all;
  for (const ProcessRecord& p : tree.processes) all.push_back(&p);
  std::stable_sort(all.begin(), all.end(), [](const auto* a, const auto* b) { return a->cpu_s > b->cpu_s; });
  all.resize(std::min(all.size(), processes_at_most));
  std::stable_sort(all.begin(), all.end(), [](const auto* a, const auto* b) { return a->start_s < b->start_s; });
  std::vector<Shown> shown;
  std::map<std::int64_t, std::size_t> depth_of;
  for (const ProcessRecord* p : all) {
    const auto parent = depth_of.find(p->parent);
    const std::size_t depth = parent == depth_of.end() ? 0 : std::min<std::size_t>(parent->second + 1, 8);
    depth_of.emplace(p->pid, depth);
    shown.push_back({p, depth});
  }
  return shown;
}

/// A bar from start to end of the run's width.
std::string life_bar(double start_s, double end_s, double wall_s) {
  if (!(wall_s > 0.0) || !(end_s >= start_s)) return {};
  const double left = std::clamp(100.0 * start_s / wall_s, 0.0, 100.0);
  const double width = std::clamp(100.0 * (end_s - start_s) / wall_s, 0.0, 100.0 - left);
  return fmt::format("<i style=\"left:{:.2f}%;width:{:.2f}%\"></i>", left, width);
}

}  // namespace

std::string energy_html(const ProgramView& view) {
  if (view.run.energy.empty()) return "<p class=\"empty\">The record has no energy figure: unknown, not zero.</p>\n";
  std::string html =
      "<div class=\"wide\"><table class=\"compact energy\"><caption class=\"hidden\">Every energy figure of the "
      "run</caption>\n"
      "<thead><tr><th scope=\"col\">Sensor</th><th scope=\"col\">Tier</th><th scope=\"col\" "
      "class=\"text\">Boundary</th><th "
      "scope=\"col\" class=\"text\">Share</th><th scope=\"col\" class=\"text\">Rule</th><th scope=\"col\">Energy, 95 % "
      "interval</th><th scope=\"col\" class=\"text\">Note</th></tr></thead>\n<tbody>\n";
  for (const EnergyFigure& e : view.run.energy) html += energy_row(e);
  html += "</tbody></table></div>\n";
  html +=
      "<p class=\"foot\">Figures of different boundaries are never added or compared. A counter that is missing or did "
      "not "
      "move is unknown, never zero.</p>\n<h3>How the two rules are computed</h3>\n";
  const auto formulas = rule_formulas(view.basis);
  html += fmt::format("<pre><code>{}\n{}</code></pre>\n<p class=\"small\">{}</p>\n", escape_html(formulas.at(0)),
                      escape_html(formulas.at(1)), escape_html(formulas.at(2)));
  return html;
}

std::string uncertainty_html(const ProgramView& view) {
  if (!view.attributed) return "<p class=\"empty\">Energy is unknown.</p>\n";
  const auto parts = uncertainty_parts(*view.attributed);
  if (parts.empty()) return "<p class=\"empty\">The figure has no components.</p>\n";
  std::string html = fmt::format("<p>Of the attributed energy, {}; the largest part is <b>{}</b>.</p>\n",
                                 escape_html(with_level(*view.attributed)), escape_html(parts.front().component.name));
  html +=
      "<div class=\"wide\"><table class=\"compact\"><caption class=\"hidden\">Components of the uncertainty</caption>\n"
      "<thead><tr><th scope=\"col\">Component</th><th scope=\"col\">Type</th><th scope=\"col\" "
      "class=\"number\">Interval if "
      "alone</th><th scope=\"col\" class=\"text\">Share of the variance</th><th scope=\"col\" class=\"text\">Cancels "
      "against</th></tr></thead>\n<tbody>\n";
  for (const UncertaintyPart& p : parts) {
    html += fmt::format("<tr><th scope=\"row\">{}</th>", escape_html(p.component.name));
    html += cell(std::string(1, p.component.type)) + number_cell(p.alone);
    html += fmt::format(
        "<td class=\"share\"><div class=\"meter\" aria-hidden=\"true\"><i style=\"width:{:.1f}%\"></i></div>{:.1f} "
        "%</td>",
        100.0 * p.share, 100.0 * p.share);
    html += cell(p.common) + "</tr>\n";
  }
  return html +
         "</tbody></table></div>\n<p class=\"foot\">Type A: from repeats or readings; B: from other knowledge (GUM). "
         "What cancels does so in ratios: compare two programs with <code>haywatt compare</code>, not by dividing two "
         "intervals.</p>\n";
}

std::string processes_html(const ProgramView& view) {
  if (!view.run.tree) return "<p class=\"empty\">The record is of one process.</p>\n";
  const TreeRecord& tree = *view.run.tree;
  std::string html = fmt::format("<p>{} process{} seen, at most {} threads at once; CPU time counted by {}.</p>\n",
                                 count(tree.processes_seen), tree.processes_seen == 1 ? "" : "es",
                                 count(tree.threads_peak), escape_html(tree.counted_by));
  const auto shown = shown_processes(tree);
  if (shown.empty()) return html;
  html +=
      "<div class=\"wide\"><table class=\"compact tree\"><caption class=\"hidden\">Processes by CPU "
      "time</caption>\n<thead><tr><th "
      "scope=\"col\">Process</th><th scope=\"col\" class=\"number\">PID</th><th scope=\"col\">CPU time</th><th "
      "scope=\"col\">Peak memory</th><th scope=\"col\">Start</th><th scope=\"col\">Length</th><th scope=\"col\" "
      "class=\"text "
      "life\">When</th></tr></thead>\n<tbody>\n";
  for (const auto& [p, depth] : shown) {
    html += fmt::format("<tr><th scope=\"row\" style=\"padding-left:{:.1f}rem\">{}</th>",
                        0.45 + 0.9 * static_cast<double>(depth), escape_html(p->name));
    html += number_cell(std::to_string(p->pid)) + number_cell(quantity(p->cpu_s, "s")) +
            number_cell(quantity(static_cast<double>(p->rss_peak_B), "B")) + number_cell(quantity(p->start_s, "s")) +
            number_cell(quantity(p->end_s - p->start_s, "s"));
    html += fmt::format("<td class=\"life\"><div aria-hidden=\"true\">{}</div></td></tr>\n",
                        life_bar(p->start_s, p->end_s, view.run.wall_s));
  }
  html += "</tbody></table></div>\n";
  if (tree.processes_seen > shown.size())
    html += fmt::format(
        "<p class=\"foot\">The {} that used the most CPU time, in order of start; the other {} are counted in "
        "the totals.</p>\n",
        shown.size(), count(tree.processes_seen - shown.size()));
  return html;
}

std::string carbon_html(const ProgramView& view) {
  if (!view.grams) return "<p class=\"empty\">Energy is unknown, so carbon is too.</p>\n";
  const metrics::Constant& pue = view.carbon.pue;
  const metrics::Constant& grid = view.carbon.grid.intensity;
  std::string html = fmt::format(
      "<p><b>{}</b> = attributed energy × PUE × grid intensity (SCI, ISO/IEC 21031:2024, "
      "operational term). The embodied part of the computer is left out.</p>\n",
      escape_html(with_level(*view.grams)));
  html +=
      "<div class=\"wide\"><table class=\"compact\"><caption class=\"hidden\">Factors of the carbon "
      "figure</caption>\n<thead><tr><th "
      "scope=\"col\">Factor</th><th scope=\"col\" class=\"number\">Value</th><th scope=\"col\">95 % interval</th><th "
      "scope=\"col\" "
      "class=\"text\">Source</th></tr></thead>\n<tbody>\n";
  html += "<tr><th scope=\"row\">Energy, attributed</th>" + number_cell(quantity(view.attributed->value, "J")) +
          number_cell(interval(*view.attributed)) +
          cell(view.basis.sensor + (view.basis.tier.empty() ? "" : ", tier " + view.basis.tier) + ", boundary " +
               view.basis.boundary) +
          "</tr>\n";
  const auto constant = [&](const char* name, const metrics::Constant& c, const std::string& unit) {
    html += fmt::format("<tr><th scope=\"row\">{}</th>", name);
    html += number_cell(digits(c.value) + unit) +
            number_cell(c.low < c.high ? digits(c.low) + " to " + digits(c.high) : "as given") + cell(c.source) +
            "</tr>\n";
  };
  constant("PUE", pue, "");
  constant("Grid intensity", grid, " gCO₂e/kWh");
  html += "</tbody></table></div>\n";
  if (grid.key == metrics::grid_intensity().key)
    html +=
        "<p class=\"foot\">The grid is the world’s average of 2019, <strong>not that of this machine</strong>: name "
        "yours with "
        "<code>haywatt report --country</code> or <code>--grid</code>.</p>\n";
  if (view.basis.boundary != "wall")
    html += fmt::format(
        "<p class=\"foot\">The boundary is {}: what lies outside it is missing, so this is a lower bound.</p>\n",
        escape_html(view.basis.boundary));
  return html;
}

std::string program_notes_html(const ProgramView& view) {
  std::string html =
      "<li>Intervals follow the GUM (JCGM 100:2008): relative components multiply, ×/÷ exp(1.96·√Σu²), absolute ones "
      "add in "
      "quadrature; both kinds together by 10,000 draws with a fixed seed (JCGM 101:2008).</li>\n"
      "<li>Marginal: what not running the program would have saved. Attributed: that and its part of the machine’s "
      "idle "
      "power. For most questions the truth lies between the two.</li>\n"
      "<li>Time, CPU time and memory are counted by the kernel for the whole tree of processes and have no interval. "
      "Memory "
      "over time is sampled; its peak may lie between two samples.</li>\n"
      "<li>Read and write calls move bytes to and from the page cache too: they are not what the disk moved, and "
      "mapped "
      "files are not in them.</li>\n";
  if (view.basis.estimated)
    html +=
        "<li>An estimate from CPU time cannot rank two programs differently from their CPU seconds. It comes from "
        "published "
        "measurements of other machines (SPECpower_ssj2008), with intervals that covered machines left out of the "
        "fit.</li>\n";
  return html;
}

}  // namespace haywatt::report
