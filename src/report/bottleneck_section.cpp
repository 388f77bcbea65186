#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "haywatt/base/text.hpp"
#include "report/bottleneck_words.hpp"
#include "report/text.hpp"

namespace haywatt::report {
namespace {

// Pixels of the drawing's own coordinates.
constexpr double names_width = 300.0, plot_width = 420.0, values_width = 210.0, row_height = 26.0, head_height = 26.0;

/// Ratios on a logarithmic axis about 1.
class RatioAxis {
 public:
  explicit RatioAxis(const std::vector<const BottleneckSensitivity*>& rows) {
    for (const BottleneckSensitivity* s : rows)
      for (const Figure* f : {&s->time, &s->cpu})
        if (f->value > 0.0) reach_ = std::max(reach_, std::fabs(std::log(f->value)) + 0.15);
    reach_ = std::min(reach_, std::log(20.0));
  }
  [[nodiscard]] double at(double ratio) const {
    const double x = ratio > 0.0 ? std::log(ratio) / reach_ : -1.0;
    return names_width + plot_width * 0.5 * (1.0 + std::clamp(std::isfinite(x) ? x : 1.0, -1.0, 1.0));
  }
  [[nodiscard]] std::vector<double> ticks() const {
    std::vector<double> list;
    for (const double t : {0.1, 0.2, 0.5, 0.8, 1.0, 1.25, 2.0, 5.0, 10.0})
      if (std::fabs(std::log(t)) <= reach_) list.push_back(t);
    return list;
  }

 private:
  double reach_ = 0.3;
};

std::string bar(const RatioAxis& axis, const Figure& f, double y, double height, const char* colour) {
  if (!(f.value > 0.0)) return {};
  const double from = std::min(axis.at(1.0), axis.at(f.value)), to = std::max(axis.at(1.0), axis.at(f.value));
  std::string svg = fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" fill=\"var({})\"/>",
                                from, y, std::max(1.0, to - from), height, colour);
  if (std::isfinite(f.low) && std::isfinite(f.high) && f.high > f.low)
    svg += fmt::format("<path d=\"M{0:.1f} {2:.1f}H{1:.1f}\" stroke=\"var(--text)\" stroke-width=\"1.5\"/>",
                       axis.at(f.low), axis.at(f.high), y + height / 2.0);
  return svg;
}

std::string chart(const BottleneckRecord& r) {
  std::vector<const BottleneckSensitivity*> rows;
  for (const BottleneckSensitivity& s : r.sensitivities)
    if (s.known) rows.push_back(&s);
  if (rows.empty()) return "<p class=\"empty\">No treatment was finished.</p>\n";
  const RatioAxis axis(rows);
  const double bottom = head_height + row_height * static_cast<double>(rows.size());
  std::string svg = fmt::format(
      "<svg viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" style=\"width:100%;max-width:58rem;font:13px var(--sans)\" "
      "fill=\"var(--text)\" aria-label=\"Time and CPU time under each treatment, as a multiple of its control\">\n",
      names_width + plot_width + values_width, bottom + 6.0);
  for (const double t : axis.ticks())
    svg += fmt::format(
        "<path d=\"M{0:.1f} {1}V{2:.1f}\" stroke=\"var({3})\"/><text x=\"{0:.1f}\" y=\"14\" text-anchor=\"middle\" "
        "fill=\"var(--muted)\">{4:g}</text>\n",
        axis.at(t), head_height - 4.0, bottom, t == 1.0 ? "--text" : "--rule", t);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const BottleneckSensitivity& s = *rows[i];
    const double y = head_height + row_height * static_cast<double>(i);
    svg += fmt::format("<text x=\"0\" y=\"{:.1f}\">{}</text>", y + 17.0, escape_html(s.treatment + " / " + s.control));
    svg += bar(axis, s.time, y + 4.0, 8.0, "--link") + bar(axis, s.cpu, y + 14.0, 8.0, "--muted");
    svg += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", names_width + plot_width + 12.0, y + 17.0,
                       escape_html("time × " + ratio_words(s.time)));
  }
  return svg +
         "</svg>\n<p class=\"foot\">Upper bar: wall time, lower bar: CPU time, as a multiple of the control; lines: 95 "
         "%.</p>\n";
}

std::string cell(const std::string& text, const char* kind = "number") {
  return fmt::format("<td class=\"{}\">{}</td>", kind, escape_html(text));
}

std::string head(const char* caption, std::initializer_list<const char*> columns) {
  std::string html = fmt::format(
      "<div class=\"wide\"><table class=\"compact\"><caption class=\"hidden\">{}</caption>\n<thead><tr>", caption);
  bool first = true;
  for (const char* c : columns) {
    html += fmt::format("<th scope=\"col\" class=\"{}\">{}</th>", first ? "text" : "number", c);
    first = false;
  }
  return html + "</tr></thead>\n<tbody>\n";
}

std::string sensitivities(const BottleneckRecord& r) {
  std::string html =
      head("Sensitivities", {"What was made scarcer", "Time ×", "CPU time ×", "Energy ×", "Share of the time", "How"});
  for (const BottleneckSensitivity& s : r.sensitivities) {
    html += fmt::format("<tr><th scope=\"row\">{}</th>", escape_html(s.resource));
    if (!s.known)
      html += fmt::format("<td class=\"text\" colspan=\"5\">{}</td></tr>\n", escape_html(s.note));
    else
      html += cell(ratio_words(s.time)) + cell(ratio_words(s.cpu)) +
              cell(s.energy_known ? ratio_words(s.energy) : "not known") +
              cell(s.share_known ? ratio_words(s.share) : "–") + cell(s.what, "text") + "</tr>\n";
  }
  return html + "</tbody></table></div>\n";
}

std::string knobs(const BottleneckRecord& r) {
  std::string html;
  for (const BottleneckKnob& k : r.knobs) {
    html += fmt::format("<h3>Knob: {}</h3>\n<p>{}</p>\n", escape_html(k.name), escape_html(k.meaning)) +
            head("Values of a knob", {"Value", "Time ×", "Energy ×"});
    for (std::size_t i = 0; i < std::min(k.values.size(), k.time.size()); ++i)
      html += fmt::format("<tr><th scope=\"row\">{}</th>", escape_html(k.values[i])) + cell(ratio_words(k.time[i])) +
              cell(i < k.energy.size() ? ratio_words(k.energy[i]) : "not known") + "</tr>\n";
    html += "</tbody></table></div>\n";
  }
  return html;
}

std::string evidence(const BottleneckRecord& r) {
  std::string html = head("Evidence", {"Seen", "Value", "What it is"});
  for (const BottleneckEvidence& e : r.evidence)
    html += fmt::format("<tr><th scope=\"row\">{}</th>", escape_html(e.name)) +
            cell(e.unit == "1" ? digits(e.value) : quantity(e.value, e.unit)) + cell(e.meaning, "text") + "</tr>\n";
  return html + "</tbody></table></div>\n";
}

}  // namespace

std::string bottleneck_section(const BottleneckRecord& r) {
  return "<section aria-labelledby=\"treatments-title\">\n<h2 id=\"treatments-title\">What each treatment did</h2>\n" +
         chart(r) + sensitivities(r) + knobs(r) +
         "</section>\n<section aria-labelledby=\"evidence-title\">\n<h2 id=\"evidence-title\">Seen beside it</h2>\n" +
         evidence(r) + "<p class=\"foot\">These support a verdict and make none.</p>\n</section>\n";
}

}  // namespace haywatt::report
