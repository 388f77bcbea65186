#include "report/profile_sections.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "haywatt/base/text.hpp"
#include "haywatt/metrics/code_costs.hpp"
#include "report/flame_graph.hpp"
#include "report/profile_view.hpp"
#include "report/profile_words.hpp"
#include "report/roofline_chart.hpp"
#include "report/text.hpp"

namespace haywatt::report {
namespace {

constexpr std::size_t rows_open = 30, rows_at_most = 400, functions_at_most = 40;

std::string known(double value, const char* unit) { return value > 0.0 ? si(value, unit) : std::string("–"); }

std::string cell(const std::string& text, const char* kind = "number") {
  return fmt::format("<td class=\"{}\">{}</td>", kind, escape_html(text));
}

std::string share_cell(double share) {
  return fmt::format("<td class=\"share\"><span class=\"meter\"><i style=\"width:{:.1f}%\"></i></span>{:.1f} %</td>",
                     std::clamp(100.0 * share, 0.0, 100.0), 100.0 * share);
}

std::string section(const std::string& id, const char* title) {
  return fmt::format("<section aria-labelledby=\"{0}-title\">\n<h2 id=\"{0}-title\">{1}</h2>\n", id, title);
}

std::string operator_row(const ProfileRow& r, bool allocated) {
  const OperatorRecord& o = *r.op;
  std::string html = cell(o.phase, "text") + cell(o.layer, "text") +
                     fmt::format("<th scope=\"row\">{}</th>", escape_html(o.name)) + cell(o.dtype, "text");
  html += cell(o.calls == 0 ? "–" : count(o.calls)) + cell(quantity(o.cpu_s, "s")) + share_cell(r.cpu_share);
  html += cell(known(o.macs, "")) + cell(known(o.flops, "")) + cell(known(o.parameters, "")) +
          cell(known(o.read_B + o.written_B, "B"));
  if (allocated) html += cell(known(o.allocated_B, "B"));
  if (r.roof)
    html += cell(si(r.roof->flops_per_s, "")) + cell(digits(r.roof->flops_per_B)) +
            cell(fmt::format("{:.0f} % {}", 100.0 * r.roof->share, r.roof->compute_bound ? "compute" : r.roof->level));
  else
    html += cell("–") + cell("–") + cell("–");
  html += r.joules == nullptr ? cell("unknown")
                              : fmt::format("<td class=\"number\"><b>{}</b><span class=\"interval\">{}</span></td>",
                                            escape_html(quantity(r.joules->joules.value, "J")),
                                            escape_html(interval(r.joules->joules)));
  return "<tr>" + html + "</tr>\n";
}

std::string operator_table(const std::vector<ProfileRow>& rows, std::size_t first, std::size_t last) {
  const bool allocated =
      std::any_of(rows.begin(), rows.end(), [](const ProfileRow& r) { return r.op->allocated_B > 0.0; });
  std::string html =
      "<div class=\"wide\"><table class=\"compact operators\"><caption "
      "class=\"hidden\">Operators</caption>\n<thead><tr>";
  for (const char* text : {"Phase", "Layer", "Operator", "Type"})
    html += fmt::format("<th scope=\"col\" class=\"text\">{}</th>", text);
  html +=
      "<th scope=\"col\" class=\"number\">Calls</th><th scope=\"col\" class=\"number\">CPU</th>"
      "<th scope=\"col\" class=\"text\">Share</th>";
  for (const char* text :
       {"MACs", "FLOPs", "Parameters", "Bytes", "Allocated", "FLOP/s", "FLOP/B", "Of its roof", "Joules"})
    if (allocated || std::string_view(text) != "Allocated")
      html += fmt::format("<th scope=\"col\" class=\"number\">{}</th>", text);
  html += "</tr></thead>\n<tbody>\n";
  for (std::size_t i = first; i < last; ++i) html += operator_row(rows[i], allocated);
  return html + "</tbody></table></div>\n";
}

std::string operators_html(const ProfileView& view, const std::string& id) {
  if (view.rows.empty()) return {};
  std::string html = section(id + "operators", "Operators and layers");
  const std::size_t count_of_rows = std::min(view.rows.size(), rows_at_most);
  html += operator_table(view.rows, 0, std::min(rows_open, count_of_rows));
  if (count_of_rows > rows_open)
    html += fmt::format("<details><summary>{} more, with {:.1f} % of the CPU time</summary>\n",
                        count_of_rows - rows_open, 100.0 * view.share_beyond(rows_open)) +
            operator_table(view.rows, rows_open, count_of_rows) + "</details>\n";
  for (const std::string& words : operator_column_words())
    html += fmt::format("<p class=\"foot\">{}</p>\n", escape_html(words));
  return html + "</section>\n";
}

std::string roofline_html(const ProfileRecord& record, const ProfileView& view, const std::string& id) {
  const std::string chart = roofline_chart(record, view);
  if (chart.empty()) return {};
  return section(id + "roofline", "Roofline") +
         "<p>Each circle is an "
         "operator of a layer, its area its CPU time; the lines are this machine's limits for one thread, measured "
         "beside the run.</p>\n" +
         chart + "</section>\n";
}

std::string functions_table(const StackProfile& stacks) {
  const double all_s = metrics::sampled_s(stacks);
  const auto functions = metrics::function_costs(stacks);
  if (functions.empty() || !(all_s > 0.0)) return {};
  std::string html =
      "<div class=\"wide\"><table class=\"compact\"><caption class=\"hidden\">Functions</caption>\n<thead><tr><th "
      "scope=\"col\" class=\"text\">Function</th><th scope=\"col\" class=\"text\">Module</th><th scope=\"col\" "
      "class=\"number\">Itself</th><th scope=\"col\" class=\"text\">Share</th><th scope=\"col\" class=\"number\">With "
      "calls</th></tr></thead>\n<tbody>\n";
  for (std::size_t i = 0; i < std::min(functions.size(), functions_at_most); ++i) {
    const metrics::CodeCost& c = functions[i];
    html += fmt::format("<tr><th scope=\"row\"><code>{}</code></th>", escape_html(c.function)) +
            cell(c.module, "text") + cell(quantity(c.self_s, "s")) + share_cell(c.self_s / all_s) +
            cell(quantity(c.total_s, "s")) + "</tr>\n";
  }
  return html + "</tbody></table></div>\n";
}

std::string flame_html(const ProfileRecord& record, const std::string& id) {
  const std::string graph = flame_graph(record.stacks);
  if (graph.empty()) return {};
  const bool operators = record.by == "operators";
  std::string html = section(id + "flame", operators ? "Phases, layers, operators" : "Functions");
  html += fmt::format(
      "<p>{}</p>\n",
      operators ? "Callers above, their parts below, as wide as their own wall time."
                : escape_html(fmt::format("{} samples by {}, {} lost. Callers above, the called below.",
                                          count(record.stacks.samples), record.stacks.by, count(record.stacks.lost))));
  html += graph;
  if (!operators) html += functions_table(record.stacks);
  return html + "</section>\n";
}

}  // namespace

std::string profile_headline_html(const ProfileRecord& record, const ProfileView& view) {
  std::string html;
  for (const auto& [term, sentence] : profile_headline(record, view))
    html += fmt::format("<dt>{}</dt><dd><p>{}</p></dd>\n", escape_html(term), escape_html(sentence));
  return html;
}

std::string profile_notes_html(const ProfileRecord& record) {
  std::string html = "<ul>\n";
  for (const std::string& note : record.notes) html += fmt::format("<li>{}.</li>\n", escape_html(note));
  for (const std::string& warning : record.run.warnings) html += fmt::format("<li>{}.</li>\n", escape_html(warning));
  if (record.profiler_cpu_s >= 0.0 && record.run.cpu_s > 0.0)
    html += fmt::format("<li>Profiling itself took about {} of CPU time, {:.2g} % of the run's.</li>\n",
                        escape_html(quantity(record.profiler_cpu_s, "s")),
                        100.0 * record.profiler_cpu_s / record.run.cpu_s);
  return html + "</ul>";
}

std::string profile_sections(const ProfileRecord& record, const ProfileView& view, const std::string& id) {
  return operators_html(view, id) + roofline_html(record, view, id) + flame_html(record, id);
}

}  // namespace haywatt::report
