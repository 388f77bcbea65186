#include "report/roofline_chart.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "haywatt/base/text.hpp"
#include "haywatt/metrics/roofline.hpp"
#include "report/text.hpp"

namespace haywatt::report {
namespace {

// Pixels of the drawing's own coordinates.
constexpr double width = 900.0, height = 430.0, left = 96.0, right = 150.0, top = 14.0, bottom = 46.0;
constexpr std::size_t circles_at_most = 200;
constexpr double largest_radius = 17.0, smallest_radius = 2.5;

/// A logarithmic scale from whole decades around what it must hold.
class Scale {
 public:
  Scale(double low, double high, double from, double to)
      : low_(std::log10(low) - 0.15), high_(std::log10(high) + 0.15), from_(from), to_(to) {}
  [[nodiscard]] double at(double value) const {
    const double share = (std::log10(value) - low_) / (high_ - low_);
    return from_ + (to_ - from_) * std::clamp(share, 0.0, 1.0);
  }
  [[nodiscard]] double lowest() const { return std::pow(10.0, low_); }
  [[nodiscard]] double highest() const { return std::pow(10.0, high_); }
  [[nodiscard]] std::vector<double> decades() const {
    std::vector<double> all;
    for (int d = static_cast<int>(std::ceil(low_)); d <= static_cast<int>(std::floor(high_)); ++d)
      all.push_back(std::pow(10.0, d));
    return all;
  }

 private:
  double low_, high_, from_, to_;
};

struct Limits {
  double low_x = 0.1, high_x = 10.0, low_y = 1e9, high_y = 1e10;
};

Limits limits_of(const ProfileRecord& record, const std::vector<const ProfileRow*>& rows) {
  Limits l;
  l.low_x = l.low_y = INFINITY;
  l.high_x = l.high_y = 0.0;
  for (const ProfileRow* r : rows) {
    l.low_x = std::min(l.low_x, r->roof->flops_per_B);
    l.high_x = std::max(l.high_x, r->roof->flops_per_B);
    l.low_y = std::min(l.low_y, r->roof->flops_per_s);
    l.high_y = std::max({l.high_y, r->roof->flops_per_s, r->roof->attainable});
  }
  for (const ComputePeak& c : record.compute_peaks) {
    if (c.threads != 1) continue;
    l.high_y = std::max(l.high_y, c.flops_per_s);
    for (const MemoryPeak& m : record.memory_peaks)  // the ridges must be seen
      if (m.threads == 1 && m.bytes_per_s > 0.0) l.high_x = std::max(l.high_x, c.flops_per_s / m.bytes_per_s);
  }
  return l;
}

std::string axes(const Scale& x, const Scale& y) {
  std::string svg;
  for (const double d : x.decades())
    svg += fmt::format(
        "<line class=\"grid\" x1=\"{0:.1f}\" y1=\"{1}\" x2=\"{0:.1f}\" y2=\"{2}\"/><text class=\"quiet\" "
        "x=\"{0:.1f}\" y=\"{3}\" text-anchor=\"middle\">{4:g}</text>\n",
        x.at(d), top, height - bottom, height - bottom + 16.0, d);
  for (const double d : y.decades())
    svg += fmt::format(
        "<line class=\"grid\" x1=\"{1}\" y1=\"{0:.1f}\" x2=\"{2}\" y2=\"{0:.1f}\"/><text class=\"quiet\" x=\"{3}\" "
        "y=\"{4:.1f}\" text-anchor=\"end\">{5}</text>\n",
        y.at(d), left, width - right, left - 6.0, y.at(d) + 4.0, escape_html(si(d, "FLOP/s")));
  return svg + fmt::format(
                   "<text class=\"quiet\" x=\"{:.0f}\" y=\"{:.0f}\" text-anchor=\"middle\">arithmetic "
                   "intensity, FLOP a byte</text>\n",
                   (left + width - right) / 2.0, height - 8.0);
}

std::string roofs(const ProfileRecord& record, const Scale& x, const Scale& y) {
  std::string svg;
  double highest = 0.0;
  for (const ComputePeak& c : record.compute_peaks) {
    if (c.threads != 1 || !(c.flops_per_s > 0.0)) continue;
    highest = std::max(highest, c.flops_per_s);
    svg += fmt::format("<line class=\"roof\" x1=\"{}\" y1=\"{:.1f}\" x2=\"{}\" y2=\"{:.1f}\"/>", left,
                       y.at(c.flops_per_s), width - right, y.at(c.flops_per_s));
    svg += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\">{} {}</text>\n", width - right + 6.0, y.at(c.flops_per_s) + 4.0,
                       escape_html(c.dtype), escape_html(si(c.flops_per_s, "FLOP/s")));
  }
  double last_label = -100.0;
  for (const MemoryPeak& m : record.memory_peaks) {
    if (m.threads != 1 || !(m.bytes_per_s > 0.0)) continue;
    // From the left or lower edge up to the highest roof.
    const double from = std::max(x.lowest(), y.lowest() / m.bytes_per_s), to = highest / m.bytes_per_s;
    if (!(to > from)) continue;
    svg += fmt::format("<line class=\"roof slope\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/>",
                       x.at(from), y.at(from * m.bytes_per_s), x.at(to), y.at(highest));
    double label = y.at(from * m.bytes_per_s) - 5.0;
    if (std::fabs(label - last_label) < 13.0) label = last_label + 13.0;
    last_label = label;
    svg += fmt::format("<text class=\"quiet\" x=\"{:.1f}\" y=\"{:.1f}\">{} {}</text>\n", x.at(from) + 4.0, label,
                       escape_html(m.level), escape_html(si(m.bytes_per_s, "B/s")));
  }
  return svg;
}

}  // namespace

std::string roofline_chart(const ProfileRecord& record, const ProfileView& view) {
  std::vector<const ProfileRow*> rows;
  for (const ProfileRow& r : view.rows)
    if (r.roof && rows.size() < circles_at_most) rows.push_back(&r);
  if (rows.empty()) return {};
  const Limits l = limits_of(record, rows);
  const Scale x(l.low_x, l.high_x, left, width - right), y(l.low_y, l.high_y, height - bottom, top);
  std::string svg = fmt::format(
      "<svg class=\"ladder roofline\" viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" aria-label=\"Roofline: FLOP a second "
      "against FLOP a byte\">\n",
      width, height);
  svg += axes(x, y) + roofs(record, x, y);
  const double most = rows.front()->cpu_share;
  std::map<std::string, std::size_t> phases;
  for (const ProfileRow* r : rows) phases.try_emplace(r->op->phase, phases.size());
  for (auto r = rows.rbegin(); r != rows.rend(); ++r) {  // the large ones on top
    const double radius =
        std::max(smallest_radius, largest_radius * std::sqrt(most > 0.0 ? (*r)->cpu_share / most : 0.0));
    svg += fmt::format(
        "<circle style=\"fill:var(--p{})\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{:.1f}\"><title>{}: {} at {:.3g} FLOP/B, "
        "{:.0f} % of its roof ({}), {:.1f} % of the CPU time</title></circle>\n",
        phases[(*r)->op->phase] % 10, x.at((*r)->roof->flops_per_B), y.at((*r)->roof->flops_per_s), radius,
        escape_html((*r)->name), escape_html(quantity((*r)->roof->flops_per_s, "FLOP/s")), (*r)->roof->flops_per_B,
        100.0 * (*r)->roof->share, escape_html((*r)->roof->compute_bound ? "compute" : (*r)->roof->level),
        100.0 * (*r)->cpu_share);
  }
  svg += "</svg>\n<p class=\"legend\">";
  for (const auto& [phase, number] : phases)
    svg += fmt::format("<span><i style=\"background:var(--p{})\"></i>{}</span>", number % 10, escape_html(phase));
  return svg + "</p>\n";
}

}  // namespace haywatt::report
