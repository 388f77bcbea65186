#include "report/ladder_chart.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "report/text.hpp"

namespace haywatt::report {
namespace {

// Pixels of the drawing's own coordinates.
constexpr double names_width = 260.0, panel_width = 330.0, value_width = 84.0, gap = 18.0;
constexpr double row_height = 24.0, head_height = 34.0;

/// A logarithmic axis that holds all values and begins a little below the smallest.
class LogAxis {
 public:
  LogAxis(double low, double high, double left) : left_(left) {
    low_ = std::log10(low) - 0.25;
    high_ = std::max(std::log10(high) + 0.05, low_ + 0.6);
  }
  [[nodiscard]] double at(double value) const {
    if (!(value > 0.0)) return left_;
    const double share = (std::log10(value) - low_) / (high_ - low_);
    return left_ + panel_width * std::clamp(share, 0.0, 1.0);
  }
  [[nodiscard]] double left() const { return left_; }
  /// 1, 2 and 5 of each decade, or decades alone where there are many.
  [[nodiscard]] std::vector<double> ticks() const {
    const bool decades_only = high_ - low_ > 2.2;
    std::vector<double> all;
    for (int decade = static_cast<int>(std::floor(low_)); decade <= static_cast<int>(std::ceil(high_)); ++decade)
      for (const double m : {1.0, 2.0, 5.0}) {
        const double v = m * std::pow(10.0, decade);
        if ((m == 1.0 || !decades_only) && std::log10(v) > low_ && std::log10(v) < high_) all.push_back(v);
      }
    return all;
  }

 private:
  double low_ = 0.0, high_ = 1.0, left_;
};

using Value = std::function<std::optional<Figure>(const LadderRow&)>;

std::string bar_class(const LadderRow& r) {
  if (r.to_first == nullptr && r.to_before == nullptr) return "first";
  if (r.rung->parallel) return "parallel";
  return r.rung->side ? "side" : "rung";
}

bool has_scatter(const Figure& f) { return std::isfinite(f.low) && std::isfinite(f.high) && f.high > f.low; }

std::string panel(const std::vector<const LadderRow*>& rows, const Value& value, double left, const char* unit,
                  const char* title) {
  double low = INFINITY, high = 0.0;
  for (const LadderRow* r : rows)
    if (const auto f = value(*r); f && f->value > 0.0) {
      low = std::min(low, f->value);
      high = std::max(high, f->value);
    }
  if (!(high > 0.0)) return {};
  const LogAxis axis(low, high, left);
  const double bottom = head_height + row_height * static_cast<double>(rows.size());
  std::string svg = fmt::format("<text class=\"quiet\" x=\"{:.1f}\" y=\"12\">{}</text>\n", left, title);
  for (const double t : axis.ticks())
    svg += fmt::format(
        "<line class=\"grid\" x1=\"{0:.1f}\" y1=\"{1}\" x2=\"{0:.1f}\" y2=\"{2:.1f}\"/><text class=\"quiet\" "
        "x=\"{0:.1f}\" y=\"{3}\" text-anchor=\"middle\">{4:g}</text>\n",
        axis.at(t), head_height - 4.0, bottom, head_height - 8.0, t);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto f = value(*rows[i]);
    if (!f || !(f->value > 0.0)) continue;
    const double y = head_height + row_height * static_cast<double>(i), middle = y + row_height / 2.0;
    svg += fmt::format("<rect class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{}\"/>",
                       bar_class(*rows[i]), axis.left(), y + 4.0, axis.at(f->value) - axis.left(), row_height - 8.0);
    if (has_scatter(*f))
      svg += fmt::format(
          "<path class=\"whisker\" d=\"M{0:.1f} {2:.1f}H{1:.1f}M{0:.1f} {3:.1f}V{4:.1f}M{1:.1f} {3:.1f}V{4:.1f}\"/>",
          axis.at(f->low), axis.at(f->high), middle, middle - 4.0, middle + 4.0);
    svg += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>\n",
                       left + panel_width + value_width - 4.0, middle + 4.0, escape_html(quantity(f->value, unit)));
  }
  return svg;
}

}  // namespace

std::string ladder_chart(const std::vector<LadderRow>& all, const std::string& title) {
  std::vector<const LadderRow*> rows;
  bool joules = false;
  for (const LadderRow& r : all)
    if (r.absent.empty()) {
      rows.push_back(&r);
      joules = joules || r.joules;
    }
  if (rows.empty()) return {};
  const double panels = joules ? 2.0 : 1.0;
  const double width = names_width + panels * (panel_width + value_width) + (panels - 1.0) * gap;
  const double height = head_height + row_height * static_cast<double>(rows.size()) + 4.0;
  std::string svg = fmt::format("<svg class=\"ladder\" viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" aria-label=\"{}\">\n",
                                width, height, escape_html(title));
  for (std::size_t i = 0; i < rows.size(); ++i)
    svg += fmt::format("<text x=\"{}\" y=\"{:.1f}\">{}</text>\n", rows[i]->rung->side ? 14.0 : 0.0,
                       head_height + row_height * (static_cast<double>(i) + 0.5) + 4.0, escape_html(rows[i]->rung->id));
  svg += panel(
      rows, [](const LadderRow& r) { return std::optional<Figure>(r.wall); }, names_width, "s",
      "seconds of the whole process, log scale");
  if (joules)
    svg += panel(
        rows, [](const LadderRow& r) { return r.joules; }, names_width + panel_width + value_width + gap, "J",
        "joules, log scale");
  return svg + "</svg>\n";
}

std::string ladder_legend(const LadderRecord& record) {
  const auto any = [&](auto&& is) { return std::any_of(record.rungs.begin(), record.rungs.end(), is); };
  std::string html =
      "<div class=\"legend\"><span><i class=\"first\"></i>as it is</span><span><i class=\"rung\"></i>on "
      "the rung before</span>";
  if (any([](const LadderRung& r) { return r.parallel; })) html += "<span><i class=\"parallel\"></i>parallel</span>";
  if (any([](const LadderRung& r) { return r.side; }))
    html += "<span><i class=\"side\"></i>aside (set in): nothing stands on it</span>";
  return html + "</div>\n";
}

}  // namespace haywatt::report
