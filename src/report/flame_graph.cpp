#include "report/flame_graph.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <vector>

#include "haywatt/base/text.hpp"
#include "report/assets.hpp"
#include "report/text.hpp"

namespace haywatt::report {
namespace {

constexpr double narrowest = 0.001;
constexpr std::size_t most_boxes = 3'000, most_B = 900'000, longest_name = 150, colours = 10;
constexpr int row_px = 16;

struct Box {
  std::uint32_t frame = 0;
  double start = 0.0, total = 0.0, self = 0.0;  ///< seconds; start: from the left edge
  int depth = 0;
};

std::string cut(const std::string& text) {
  if (text.size() <= longest_name) return text;
  std::size_t end = longest_name;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) --end;  // not within a character
  return text.substr(0, end) + "…";
}

/// Boxes wide enough to be seen, from the widest, so that a caller comes before what it calls.
std::vector<Box> boxes_of(const StackProfile& s, double& all_s) {
  const std::size_t count = s.nodes.size();
  std::vector<double> total(count), start(count);
  std::vector<int> depth(count);
  all_s = 0.0;
  for (std::size_t i = count; i-- > 0;) {
    total[i] += std::max(0.0, s.nodes[i].self_s);
    const std::int32_t parent = s.nodes[i].parent;
    if (parent >= 0)
      total[static_cast<std::size_t>(parent)] += total[i];
    else
      all_s += total[i];
  }
  std::vector<std::vector<std::size_t>> below(count + 1);  // the last: roots
  for (std::size_t i = 0; i < count; ++i)
    if (total[i] >= narrowest * all_s)
      below[s.nodes[i].parent < 0 ? count : static_cast<std::size_t>(s.nodes[i].parent)].push_back(i);
  std::vector<Box> boxes;
  const auto place = [&](std::vector<std::size_t>& side_by_side, double from, int row) {
    std::stable_sort(side_by_side.begin(), side_by_side.end(),
                     [&](std::size_t a, std::size_t b) { return total[a] > total[b]; });
    for (const std::size_t i : side_by_side) {
      start[i] = from;
      depth[i] = row;
      from += total[i];
    }
  };
  place(below[count], 0.0, 0);
  for (std::size_t i = 0; i < count; ++i) {
    if (total[i] < narrowest * all_s || total[i] <= 0.0) continue;
    boxes.push_back({s.nodes[i].frame, start[i], total[i], s.nodes[i].self_s, depth[i]});
    place(below[i], start[i], depth[i] + 1);
  }
  std::stable_sort(boxes.begin(), boxes.end(), [](const Box& x, const Box& y) {
    return x.total != y.total ? x.total > y.total : x.depth < y.depth;
  });
  if (boxes.size() > most_boxes) boxes.resize(most_boxes);
  return boxes;
}

/// The modules that take most of the time themselves get a colour each.
std::map<std::string, std::size_t> colours_of(const StackProfile& s) {
  std::map<std::string, double> self;
  for (const StackNode& n : s.nodes) self[s.frames[n.frame].module] += n.self_s;
  std::vector<std::pair<std::string, double>> list(self.begin(), self.end());
  std::stable_sort(list.begin(), list.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  std::map<std::string, std::size_t> numbers;
  for (std::size_t i = 0; i < std::min(list.size(), colours); ++i)
    if (list[i].first != "process" && list[i].second > 0.0) numbers.emplace(list[i].first, i);
  return numbers;
}

std::string fill(const std::map<std::string, std::size_t>& numbers, const std::string& module) {
  const auto at = numbers.find(module);
  return fmt::format("color-mix(in srgb, var(--{}) 50%, var(--page))",
                     at == numbers.end() ? "other" : fmt::format("p{}", at->second));
}

std::string box_svg(const StackProfile& s, const Box& box, double all_s,
                    const std::map<std::string, std::size_t>& numbers) {
  const FrameRecord& f = s.frames[box.frame];
  const double share = 100.0 * box.total / all_s;
  const std::string name = escape_html(cut(f.function));
  std::string place = f.module.empty() ? "" : "\n" + escape_html(cut(f.module));
  if (!f.file.empty()) place += "\n" + escape_html(cut(f.file)) + (f.line > 0 ? fmt::format(":{}", f.line) : "");
  std::string out =
      fmt::format("<svg x=\"{:.4f}%\" y=\"{}\" width=\"{:.4f}%\" height=\"{}\"><title>{}{}\n{:.1f} %, {}",
                  100.0 * box.start / all_s, box.depth * row_px, share, row_px, name, place, share, si(box.total, "s"));
  if (box.self > 0.0) out += fmt::format(", itself {:.1f} %", 100.0 * box.self / all_s);
  const auto number = numbers.find(f.module);
  out += fmt::format("</title><rect width=\"100%\" height=\"{}\" class=\"{}\"/>", row_px - 1,
                     number == numbers.end() ? "m" : fmt::format("m{}", number->second));
  if (share > 1.0) out += fmt::format("<text x=\"3\" y=\"12\">{}</text>", name);
  return out + "</svg>\n";
}

}  // namespace

std::string flame_graph(const StackProfile& stacks) {
  double all_s = 0.0;
  const std::vector<Box> boxes = boxes_of(stacks, all_s);
  if (boxes.empty() || all_s <= 0.0) return {};
  const auto numbers = colours_of(stacks);
  std::string style(assets::flame_style), legend;
  style += fmt::format(".flame .m {{ fill: {}; }}\n", fill({}, ""));
  std::vector<std::string> by_number(colours);
  for (const auto& [module, number] : numbers) by_number[number] = module;
  for (std::size_t i = 0; i < by_number.size(); ++i) {
    if (!numbers.contains(by_number[i]) || numbers.at(by_number[i]) != i) continue;
    style += fmt::format(".flame .m{} {{ fill: {}; }}\n", i, fill(numbers, by_number[i]));
    legend += fmt::format("<i style=\"background: {}\"></i>{}", fill(numbers, by_number[i]),
                          by_number[i].empty() ? "no module" : escape_html(cut(by_number[i])));
  }
  const int rows = 1 + std::max_element(boxes.begin(), boxes.end(), [](const Box& a, const Box& b) {
                         return a.depth < b.depth;
                       })->depth;
  std::string out = "<style>\n" + style + "</style>\n<figure class=\"flame\">\n";
  out +=
      "<p hidden><label>Search <input type=\"search\"></label> <button type=\"button\" disabled>Whole</button></p>\n"
      "<p class=\"said\" aria-live=\"polite\"></p>\n";
  out += fmt::format("<svg width=\"100%\" height=\"{}\" role=\"img\" aria-label=\"Flame graph\">\n", rows * row_px);
  for (const Box& box : boxes)
    if (out.size() < most_B) out += box_svg(stacks, box, all_s, numbers);
  out += fmt::format(
      "</svg>\n<figcaption><p class=\"legend\">Colours by module:{}</p>\n"
      "<p class=\"foot\">The width of a box is its share of {}; callers stand above what they call, side by side by "
      "size "
      "and not by time. Boxes below 0.1 % are left out.</p></figcaption>\n</figure>\n",
      legend, si(all_s, stacks.clock == "cpu" ? "s of CPU time" : "s"));
  return out + "<script>\n" + std::string(assets::flame_script) + "</script>\n";
}

}  // namespace haywatt::report
