#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "haywatt/report/report.hpp"
#include "report/assets.hpp"
#include "report/ladder_chart.hpp"
#include "report/ladder_view.hpp"
#include "report/ladder_words.hpp"
#include "report/page.hpp"
#include "report/sections.hpp"
#include "report/text.hpp"

namespace haywatt::report {
namespace {

std::string number_cell(const std::string& text) {
  return fmt::format("<td class=\"number\">{}</td>", escape_html(text));
}

std::string ratio_cell(const LadderStep* step, const std::string& metric) {
  const ComparedMetric* m = metric_of(step, metric);
  if (m == nullptr) return "<td class=\"number\">–</td>";
  return fmt::format("<td class=\"number\"><b>×{}</b><span class=\"interval\">{}</span></td>",
                     escape_html(digits(m->ratio.value)), escape_html(narrow_interval(m->ratio)));
}

std::string error_cell(const LadderRow& r) {
  if (r.check == nullptr || !r.check->max_error) return "<td class=\"number\">–</td>";
  return fmt::format("<td class=\"number\"><b>{} %</b><span class=\"interval\">median {} %</span></td>",
                     digits(100.0 * *r.check->max_error), digits(100.0 * r.check->median_error.value_or(0.0)));
}

std::string table_row(const LadderRow& r, std::size_t columns) {
  const std::string name =
      fmt::format("<tr{}><th scope=\"row\">{}{}</th>", r.to_before == nullptr ? " class=\"baseline\"" : "",
                  escape_html(r.rung->id), r.rung->side ? " <span class=\"added\">aside</span>" : "");
  if (!r.absent.empty())
    return name +
           fmt::format("<td class=\"failed\" colspan=\"{}\">not run: {}</td></tr>\n", columns, escape_html(r.absent));
  return name + number_cell(quantity(r.wall.value, "s")) + number_cell(quantity(r.work.value, "s")) +
         number_cell(r.joules ? quantity(r.joules->value, "J") : "–") + number_cell(quantity(r.peak_B, "B")) +
         ratio_cell(r.to_before, "time") + ratio_cell(r.to_before, "work") + ratio_cell(r.to_before, "energy") +
         ratio_cell(r.to_first, "time") + ratio_cell(r.to_first, "energy") + error_cell(r) +
         fmt::format("<td>{}</td></tr>\n", escape_html(result_words(r)));
}

std::string tables_html(const LadderRecord& record) {
  constexpr std::size_t columns = 11;
  std::string html =
      "<p>Medians; each ratio from runs that lay beside each other, jointly: what both share cancels. Work is wall "
      "time "
      "without " +
      escape_html(join_words(record.overhead)) +
      ". The error is that of the decoded table, in % of each column’s "
      "range, looked at once at the smallest size.</p>\n";
  for (const std::string& phase : record.phases)
    for (const std::uint64_t n : record.rows) {
      const auto rows = ladder_rows(record, phase, n);
      if (!any_figures(rows)) continue;
      html += fmt::format(
          "<h3>{}, {} rows</h3>\n<div class=\"wide\"><table class=\"compact\"><caption class=\"hidden\">{}, "
          "{} rows</caption>\n<thead><tr><th scope=\"col\">Rung</th>",
          escape_html(phase), count(n), escape_html(phase), count(n));
      for (const char* name : {"Wall", "Work", "Energy", "Peak memory", "Time ÷ before", "Work ÷ before",
                               "Energy ÷ before", "Time ÷ first", "Energy ÷ first", "Largest error"})
        html += fmt::format("<th scope=\"col\" class=\"number\">{}</th>", name);
      html += "<th scope=\"col\" class=\"text\">Result, against the rung before</th></tr></thead>\n<tbody>\n";
      for (const LadderRow& r : rows) html += table_row(r, columns);
      html += "</tbody></table></div>\n";
    }
  return html;
}

std::string charts_html(const LadderRecord& record) {
  std::string html = ladder_legend(record);
  for (const std::string& phase : record.phases)
    for (const std::uint64_t n : record.rows) {
      const auto rows = ladder_rows(record, phase, n);
      const std::string title = fmt::format("{}, {} rows", phase, count(n));
      const std::string chart = ladder_chart(rows, title);
      if (chart.empty()) continue;
      html += fmt::format("<h3>{}</h3>\n{}", escape_html(title), chart);
      for (const auto& [reason, rungs] : absent_rungs(rows))
        html += fmt::format("<p class=\"foot\">Not run: {} ({}).</p>\n", escape_html(join_words(rungs)),
                            escape_html(reason));
    }
  const std::string basis = joules_basis(record);
  html += "<p class=\"foot\">Whiskers: scatter of the runs alone.";
  if (!basis.empty())
    html += fmt::format(
        " Joules: {}; what all of them share (the model, the sensor) is not in the whiskers, and cancels in "
        "the ratios below.",
        escape_html(basis));
  return html + "</p>\n";
}

std::string growth_html(const LadderRecord& record) {
  const auto parts = ladder_growth(record);
  if (parts.empty()) return "<p class=\"empty\">Only one size was measured.</p>\n";
  std::string html = "<p>" + escape_html(growth_sentence()) + "</p>\n";
  for (const GrowthTable& t : parts) {
    html += fmt::format(
        "<h3>{}</h3>\n<div class=\"wide\"><table class=\"compact\"><caption class=\"hidden\">{}</caption><thead><tr>",
        escape_html(t.title), escape_html(t.title));
    for (std::size_t i = 0; i < t.head.size(); ++i)
      html += fmt::format("<th scope=\"col\"{}>{}</th>", i == 0 ? "" : " class=\"number\"", escape_html(t.head[i]));
    html += "</tr></thead>\n<tbody>\n";
    for (const auto& row : t.rows) {
      html += fmt::format("<tr><th scope=\"row\">{}</th>", escape_html(row.front()));
      for (std::size_t i = 1; i < row.size(); ++i) html += number_cell(row[i]);
      html += "</tr>\n";
    }
    html += "</tbody></table></div>\n";
  }
  return html;
}

std::string rungs_html(const LadderRecord& record) {
  std::string html = "<dl class=\"facts\">\n";
  for (const LadderRung& r : record.rungs) {
    html +=
        fmt::format("<dt>{}</dt><dd><b>{}</b>. {}", escape_html(r.id), escape_html(r.title), escape_html(r.mechanism));
    if (!r.note.empty()) html += " " + escape_html(r.note);
    if (!r.stands_in.empty()) html += fmt::format(" <b>Stands in:</b> {}", escape_html(r.stands_in));
    if (!r.place.empty()) html += fmt::format(" Place: <code>{}</code>.", escape_html(r.place));
    if (!r.unavailable.empty())
      html += fmt::format(" <span class=\"bad\">Not run: {}.</span>", escape_html(r.unavailable));
    html += "</dd>\n";
  }
  return html + "</dl>\n";
}

std::string headline_html(const LadderRecord& record) {
  std::string html;
  for (const auto& [phase, sentence] : ladder_headline(record))
    html += fmt::format("<dt>{}</dt><dd><p>{}</p></dd>\n", escape_html(phase), escape_html(sentence));
  return html;
}

std::string notes_html(const LadderRecord& record) {
  std::string html = "<ul>\n";
  for (const std::string& note : record.notes) html += fmt::format("<li>{}.</li>\n", escape_html(note));
  for (const auto& [name, text] : record.versions)
    html += fmt::format("<li>{}: {}.</li>\n", escape_html(name), escape_html(text));
  return html + "</ul>";
}

}  // namespace

std::string to_html(const LadderRecord& record) {
  const PageHead head = {.kind = "ladder",
                         .title = escape_html(record.title),
                         .subject = escape_html(record.machine.cpu_name.empty() ? "" : "on " + record.machine.cpu_name),
                         .started = escape_html(record.started),
                         .version = escape_html(record.haywatt_version)};
  const Parts parts = {
      {"about", escape_html(record.about)}, {"headline", headline_html(record)},
      {"charts", charts_html(record)},      {"growth", growth_html(record)},
      {"tables", tables_html(record)},      {"rungs", rungs_html(record)},
      {"notes", notes_html(record)},        {"machine", machine_facts(record.machine, record.haywatt_version)},
  };
  return whole_page(head, assets::ladder_page, parts);
}

}  // namespace haywatt::report
