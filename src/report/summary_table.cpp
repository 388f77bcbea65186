// The table of methods and bounds.
#include <fmt/format.h>

#include <cmath>

#include "report/sections.hpp"
#include "report/text.hpp"

namespace haywatt::report {
namespace {

using metrics::Metric;
using metrics::SummaryRow;

std::string cell(double sort_by, const std::string& content) {
  return fmt::format("<td class=\"number\" data-sort=\"{:.6g}\">{}</td>", sort_by, content);
}

std::string unknown_cell() { return "<td class=\"number\" data-sort=\"\"><span class=\"unknown\">unknown</span></td>"; }

std::string metric_cell(const Metric& m, bool is_baseline) {
  if (!m.value) return unknown_cell();
  std::string content = fmt::format("<b>{}</b>", escape_html(quantity(m.value->value, m.value->unit)));
  const std::string range = narrow_interval(*m.value);
  if (!range.empty()) content += fmt::format("<span class=\"interval\">{}</span>", range);
  if (is_baseline) {
    content += "<span class=\"ratio\">baseline</span>";
  } else if (m.to_baseline) {
    content += fmt::format("<span class=\"ratio\">×{}</span>", digits(m.to_baseline->value));
    const std::string ratio_range = narrow_interval(*m.to_baseline);
    if (!ratio_range.empty()) content += fmt::format("<span class=\"interval\">{}</span>", ratio_range);
  }
  return cell(m.value->value, content);
}

std::string error_cell(const SummaryRow& row) {
  const double sort_by = row.error_over_bound.value_or(row.error_over_range.value_or(0.0) > 0 ? 1e9 : -1.0);
  std::string content;
  if (!row.error_over_bound && !row.error_over_range) return unknown_cell();
  if (!row.error_over_bound) {
    content = "<b>no bound</b>";
  } else if (*row.error_over_bound == 0.0) {
    content = "<b>exact</b>";
  } else {
    content = fmt::format("<b>{} of bound</b>", digits(*row.error_over_bound));
  }
  if (row.error_over_range && *row.error_over_range > 0.0)
    content += fmt::format("<span class=\"interval\">{} % of range</span>", digits(*row.error_over_range * 100.0));
  if (row.violations > 0)
    content += fmt::format("<span class=\"bad\">{} values outside</span>", digits(static_cast<double>(row.violations)));
  return cell(std::isfinite(sort_by) ? sort_by : 1e30, content);
}

/// The peak, and in brackets what the run added to what the process had at its start.
std::string memory_cell(const SummaryRow& row, bool is_baseline) {
  std::string html = metric_cell(row.peak_memory, is_baseline);
  if (row.peak_memory.value && row.added_memory.value)
    html.insert(html.find("</b>"),
                fmt::format(" <span class=\"added\">(+{})</span>", quantity(row.added_memory.value->value, "B")));
  return html;
}

std::string table_row(const SummaryRow& row, bool is_baseline) {
  std::string html = fmt::format("<tr{}>", is_baseline ? " class=\"baseline\"" : "");
  html += fmt::format("<th scope=\"row\" data-sort=\"{0}\">{1}</th><td data-sort=\"{2}\">{2}</td>",
                      escape_html(row.method), method_html(row.method), escape_html(row.bound));
  if (!row.ok())
    return html + fmt::format("<td colspan=\"9\" class=\"failed\">failed: {}</td></tr>\n", escape_html(row.reason));
  html += metric_cell(row.bytes_per_row, is_baseline) + metric_cell(row.factor, is_baseline) + error_cell(row);
  html += metric_cell(row.in_speed, is_baseline) + metric_cell(row.out_speed, is_baseline);
  html += memory_cell(row, is_baseline);
  html += metric_cell(row.marginal, is_baseline) + metric_cell(row.attributed, is_baseline);
  const std::string runs = row.failed_runs > 0
                               ? fmt::format("{} <span class=\"bad\">+ {} failed</span>", row.ok_runs, row.failed_runs)
                               : std::to_string(row.ok_runs);
  return html + cell(row.ok_runs, runs) + "</tr>\n";
}

}  // namespace

std::string summary_table(const metrics::Summary& summary) {
  std::string html;
  for (std::size_t i = 0; i < summary.rows.size(); ++i)
    html += table_row(summary.rows[i], summary.baseline && *summary.baseline == i);
  return html;
}

}  // namespace haywatt::report
