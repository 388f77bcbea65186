#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "haywatt/report/report.hpp"
#include "report/assets.hpp"
#include "report/comparison_words.hpp"
#include "report/page.hpp"
#include "report/program_view.hpp"
#include "report/run_series.hpp"
#include "report/sections.hpp"
#include "report/text.hpp"

namespace haywatt::report {
namespace {

using nlohmann::json;

constexpr std::size_t rows_at_most = 100;
constexpr std::size_t pairs_at_most = 2'000;

std::string number_cell(const std::string& text) {
  return fmt::format("<td class=\"number\">{}</td>", escape_html(text));
}

/// A logarithmic axis over all ratios, 1 among them.
class ForestAxis {
 public:
  explicit ForestAxis(const ComparisonRecord& r) {
    double low = 1.0, high = 1.0;
    const auto include = [&](double v) {
      if (!std::isfinite(v) || v <= 0.0) return;
      low = std::min(low, v);
      high = std::max(high, v);
    };
    for (const ComparedMetric& m : r.metrics)
      if (m.known) include(m.ratio.low), include(m.ratio.value), include(m.ratio.high);
    if (r.fail_if_worse) include(1.0 + *r.fail_if_worse);
    low_ = std::log(std::max(low, 1e-4));
    high_ = std::log(std::min(high, 1e4));
    const double pad = std::max(0.02, 0.08 * (high_ - low_));
    low_ -= pad;
    high_ += pad;
  }
  /// Per cent of the width.
  [[nodiscard]] double at(double ratio) const {
    if (!(ratio > 0.0)) return 0.0;
    return std::clamp(100.0 * (std::log(ratio) - low_) / (high_ - low_), 0.0, 100.0);
  }
  /// Three to six round ratios on the axis.
  [[nodiscard]] std::vector<double> ticks() const {
    const double span = std::exp(high_) - std::exp(low_);
    if (high_ - low_ > std::log(8.0)) {
      std::vector<double> powers;
      const int step = std::max(1, static_cast<int>(std::ceil((high_ - low_) / std::log(2.0) / 6.0)));
      for (int k = -14; k <= 14; ++k)
        if (k % step == 0 && inside(std::exp2(k))) powers.push_back(std::exp2(k));
      return powers;
    }
    const double raw = span / 5.0, decade = std::pow(10.0, std::floor(std::log10(raw)));
    const double step = raw / decade > 5.0 ? 10.0 * decade : raw / decade > 2.0 ? 5.0 * decade : 2.0 * decade;
    std::vector<double> out;
    for (int k = -40; k <= 40; ++k)
      if (const double v = 1.0 + k * step; inside(v)) out.push_back(v);
    return out;
  }

 private:
  [[nodiscard]] bool inside(double v) const { return v > std::exp(low_) && v < std::exp(high_); }
  double low_, high_;
};

std::string forest_cell(const ComparedMetric& m, const ForestAxis& axis, const std::optional<double>& limit) {
  std::string marks = fmt::format("<s style=\"left:{:.2f}%\"></s>", axis.at(1.0));
  if (limit) marks += fmt::format("<s class=\"limit\" style=\"left:{:.2f}%\"></s>", axis.at(1.0 + *limit));
  if (m.known) {
    const double low = axis.at(m.ratio.low), high = axis.at(m.ratio.high);
    marks += fmt::format("<i style=\"left:{:.2f}%;width:{:.2f}%\"></i><b style=\"left:{:.2f}%\"></b>", low,
                         std::max(0.0, high - low), axis.at(m.ratio.value));
  }
  return fmt::format("<td class=\"forest\"><div aria-hidden=\"true\">{}</div></td>", marks);
}

std::string axis_head(const ForestAxis& axis) {
  std::string labels;
  for (const double v : axis.ticks())
    labels += fmt::format("<span style=\"left:{:.2f}%\">{:.4g}</span>", axis.at(v), v);
  return fmt::format("<th scope=\"col\" class=\"forest text\">B ÷ A, log scale<div aria-hidden=\"true\">{}</div></th>",
                     labels);
}

std::string ratios_html(const ComparisonRecord& r) {
  if (r.metrics.empty()) return "<p class=\"empty\">Nothing was compared.</p>\n";
  const ForestAxis axis(r);
  std::string html =
      "<p>Left of the line at 1, B needs less. Bars are 95 % intervals of the joint ratio: what both runs share has "
      "cancelled.</p>\n<div class=\"wide\"><table class=\"compact\"><caption class=\"hidden\">Ratios of B to "
      "A</caption>\n"
      "<thead><tr><th scope=\"col\">Metric</th><th scope=\"col\" class=\"number\">A, median</th><th scope=\"col\">B, "
      "median</th><th scope=\"col\">B ÷ A</th>" +
      axis_head(axis) +
      "<th scope=\"col\">P(B less)</th><th scope=\"col\" class=\"text\">Verdict</th></tr></thead>\n<tbody>\n";
  for (std::size_t i = 0; i < std::min(rows_at_most, r.metrics.size()); ++i) {
    const ComparedMetric& m = r.metrics[i];
    html += fmt::format("<tr{}><th scope=\"row\">{}{}</th>", i == r.deciding ? " class=\"baseline\"" : "",
                        escape_html(metric_name(m)), i == r.deciding ? " <span class=\"added\">decides</span>" : "");
    if (m.known) {
      html += number_cell(quantity(m.a_median, m.unit)) + number_cell(quantity(m.b_median, m.unit));
      html += fmt::format("<td class=\"number\"><b>×{}</b><span class=\"interval\">{}</span></td>",
                          escape_html(digits(m.ratio.value)), escape_html(narrow_interval(m.ratio)));
    } else {
      html += "<td class=\"number\">–</td><td class=\"number\">–</td><td class=\"number unknown\">unknown</td>";
    }
    html += forest_cell(m, axis, i == r.deciding ? r.fail_if_worse : std::nullopt);
    html += m.known ? number_cell(probability(m.p_b_less)) : number_cell("–");
    html += fmt::format("<td>{}{}</td></tr>\n", escape_html(m.verdict),
                        m.note.empty() ? "" : fmt::format("<span class=\"interval\">{}</span>", escape_html(m.note)));
  }
  html += "</tbody></table></div>\n";
  if (!r.deciding_reason.empty())
    html += fmt::format("<p class=\"foot\">Deciding: {}.</p>\n", escape_html(r.deciding_reason));
  return html;
}

/// [A, B] of each counted pair, where both are known.
std::vector<std::pair<double, double>> pairs_of(const ComparisonRecord& r, const ComparedMetric& m) {
  std::map<int, std::pair<double, double>> by_pair;
  for (const ComparedRun& run : r.runs) {
    if (run.warm_up || run.pair < 0) continue;
    auto& entry = by_pair.try_emplace(run.pair, std::nan(""), std::nan("")).first->second;
    (run.side == 'A' ? entry.first : entry.second) = metric_value(m, run.run);
  }
  std::vector<std::pair<double, double>> out;
  for (const auto& [unused, values] : by_pair)
    if (std::isfinite(values.first) && std::isfinite(values.second) && out.size() < pairs_at_most)
      out.push_back(values);
  return out;
}

json chart_data(const ComparisonRecord& r) {
  json metrics = json::array();
  for (const ComparedMetric& m : r.metrics) {
    json points = json::array();
    if (m.known && metrics.size() < 6)
      for (const auto& [a, b] : pairs_of(r, m)) points.push_back({coarse(a), coarse(b)});
    if (!points.empty())
      metrics.push_back({{"id", fmt::format("pairs-{}", metrics.size())},
                         {"name", short_metric_name(m)},
                         {"unit", m.unit},
                         {"points", points}});
  }
  return {{"metrics", metrics}};
}

std::string pairs_html(const json& data) {
  if (data["metrics"].empty()) return "<p class=\"empty\">There are no pairs to draw.</p>\n";
  std::string html = "<p>One point a pair; below the dashed diagonal, B needed less.</p>\n<div class=\"pair\">\n";
  for (const json& m : data["metrics"])
    html += fmt::format(
        "<div class=\"chart\"><canvas id=\"{}\" role=\"img\" aria-label=\"Scatter chart: {} of A against that of "
        "B\"></canvas></div>\n",
        m["id"].get<std::string>(), escape_html(m["name"].get<std::string>()));
  return html + "</div>\n";
}

std::string phase_row(const ComparedPhase& p, const char* kind) {
  std::string html = fmt::format("<tr{}><th scope=\"row\">{}</th>", kind, escape_html(p.name));
  html += number_cell(quantity(p.a_median, p.difference.unit)) + number_cell(quantity(p.b_median, p.difference.unit));
  html += fmt::format("<td class=\"number\"><b>{}</b><span class=\"interval\">{}</span></td><td>{}</td></tr>\n",
                      escape_html(quantity(p.difference.value, p.difference.unit)), escape_html(interval(p.difference)),
                      p.told ? (p.difference.value < 0.0 ? "B less" : "B more") : "cannot tell");
  return html;
}

std::string phases_html(const ComparisonRecord& r) {
  if (r.phases.empty()) return "<p class=\"empty\">Neither program marked phases.</p>\n";
  std::string html =
      "<div class=\"wide\"><table class=\"compact\"><caption class=\"hidden\">Difference by "
      "phase</caption>\n<thead><tr><th "
      "scope=\"col\">Phase</th><th scope=\"col\" class=\"number\">A, median</th><th scope=\"col\">B, median</th><th "
      "scope=\"col\">B − A</th><th scope=\"col\" class=\"text\">Verdict</th></tr></thead>\n<tbody>\n";
  for (std::size_t i = 0; i < std::min(rows_at_most, r.phases.size()); ++i) html += phase_row(r.phases[i], "");
  if (r.total) html += phase_row(*r.total, " class=\"baseline\"");
  return html +
         "</tbody></table></div>\n<p class=\"foot\">Of the deciding metric; intervals from the scatter of the runs "
         "alone.</p>\n";
}

std::string notes_html(const ComparisonRecord& r) {
  std::string html = "<ul>\n";
  for (const std::string& note : r.notes) html += fmt::format("<li>{}</li>\n", escape_html(note));
  html +=
      "<li>A ratio is computed from pairs of runs that follow each other, so that slow changes of the machine cancel; "
      "what both sides share (model, sensor, machine) cancels too.</li>\n";
  return html + "</ul>";
}

}  // namespace

std::string to_html(const ComparisonRecord& r) {
  constexpr std::size_t longest = 60;
  const json data = chart_data(r);
  std::string verdict;
  for (const auto& [term, sentences] : comparison_headline(r)) {
    std::string text;
    for (const std::string& s : sentences) text += fmt::format("<p>{}</p>", escape_html(s));
    verdict += fmt::format("<dt>{}</dt><dd>{}</dd>\n", term, text);
  }
  const PageHead head = {
      .kind = "comparison",
      .title = escape_html(one_line(r.b.command, longest) + " against " + one_line(r.a.command, longest)),
      .subject = escape_html(r.machine.cpu_name.empty() ? "" : "on " + r.machine.cpu_name),
      .started = escape_html(r.started),
      .version = escape_html(r.haywatt_version)};
  const Parts parts = {
      {"headline", verdict},           {"a", escape_html(r.a.command)},
      {"b", escape_html(r.b.command)}, {"ratios", ratios_html(r)},
      {"pairs", pairs_html(data)},     {"phases", phases_html(r)},
      {"notes", notes_html(r)},        {"machine", machine_facts(r.machine, r.haywatt_version)},
  };
  return whole_page(head, assets::compare_page, parts,
                    {assets::compare_charts, "the charts of the pairs are not drawn. Everything else is here."}, data);
}

std::string to_markdown(const ComparisonRecord& r) {
  std::string text =
      "# Comparison\n\nA:\n\n" + markdown_block(r.a.command) + "\nB:\n\n" + markdown_block(r.b.command) + "\n";
  for (const auto& [term, sentences] : comparison_headline(r)) {
    text += fmt::format("**{}.**", term);
    for (const std::string& s : sentences) text += " " + escape_markdown(s);
    text += "\n\n";
  }
  text += "| metric | A, median | B, median | B ÷ A (95 %) | P(B less) | verdict |\n|---|--:|--:|--:|--:|---|\n";
  for (const ComparedMetric& m : r.metrics) {
    const std::string name = escape_markdown(metric_name(m));
    if (m.known)
      text += fmt::format("| {} | {} | {} | {} | {} | {} |\n", name, quantity(m.a_median, m.unit),
                          quantity(m.b_median, m.unit), times(m.ratio), probability(m.p_b_less),
                          escape_markdown(m.verdict));
    else
      text += fmt::format("| {} | – | – | unknown | – | {} |\n", name, escape_markdown(m.note));
  }
  return text;
}

}  // namespace haywatt::report
