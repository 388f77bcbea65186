#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "haywatt/base/text.hpp"
#include "haywatt/report/report.hpp"
#include "report/bottleneck_words.hpp"

namespace haywatt::report {
namespace {

/// Columns that count as one each, however many bytes a character has.
std::size_t columns(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

using Row = std::array<std::string, 4>;

std::string table(const std::vector<Row>& rows) {
  std::array<std::size_t, 4> widths{};
  for (const Row& row : rows)
    for (std::size_t c = 0; c < row.size(); ++c) widths.at(c) = std::max(widths.at(c), columns(row.at(c)));
  std::string text;
  for (const Row& row : rows) {
    std::string line = " ";
    for (std::size_t c = 0; c < row.size(); ++c)
      line += " " + row.at(c) + std::string(widths.at(c) - columns(row.at(c)) + 1, ' ');
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

}  // namespace

std::string ratio_words(const Figure& f) {
  if (!std::isfinite(f.value)) return "unknown";
  if (!std::isfinite(f.low) || !std::isfinite(f.high)) return fmt::format("{:.2f}", f.value);
  return f.low == f.high ? fmt::format("{:.2f}", f.value)
                         : fmt::format("{:.2f} ({:.2f} to {:.2f})", f.value, f.low, f.high);
}

std::string bottleneck_headline(const BottleneckRecord& r) {
  if (r.verdict == "cannot tell")
    return "Cannot tell what it is bound by" +
           (r.runner_up.empty() ? std::string(".") : "; closest: " + r.runner_up + ".");
  if (r.blocks < 3)
    return fmt::format("Bound by: {} ({} block{}: too few to say how sure).", r.verdict, r.blocks,
                       r.blocks == 1 ? "" : "s");
  return fmt::format("Bound by: {} ({:.0f} % of resampled experiments agree{}).", r.verdict, 100.0 * r.support,
                     r.runner_up.empty() || r.support > 0.995 ? "" : "; else " + r.runner_up);
}

std::string bottleneck_design(const BottleneckRecord& r) {
  return fmt::format("{} block(s), {} runs in {:.0f} s (budget {:.0f} s); {}", r.blocks, r.runs.size(), r.elapsed_s,
                     r.budget_s,
                     r.stopped_by == "settled"       ? "ended when the verdict had settled"
                     : r.stopped_by == "interrupted" ? "interrupted"
                                                     : "ended by the budget");
}

std::string to_text(const BottleneckRecord& r) {
  std::string text = bottleneck_headline(r) + "\n  " + r.reason + "\n";
  if (!r.advice.empty()) text += "  next: " + r.advice + "\n";
  std::vector<Row> rows = {{"what was changed", "time ×", "CPU time ×", "energy ×"}};
  for (const BottleneckSensitivity& s : r.sensitivities)
    if (s.known)
      rows.push_back({s.treatment + " / " + s.control, ratio_words(s.time), ratio_words(s.cpu),
                      s.energy_known ? ratio_words(s.energy) : ""});
  text += "\n" + table(rows);
  rows = {{"share of the time that hangs on", "", "", ""}};
  for (const BottleneckSensitivity& s : r.sensitivities)
    if (s.known && s.share_known) rows.push_back({s.resource, ratio_words(s.share), "", ""});
  if (rows.size() > 1) text += "\n" + table(rows);
  for (const BottleneckKnob& k : r.knobs) {
    text += fmt::format("\nknob {}: {}\n", k.name, k.meaning);
    rows.clear();
    for (std::size_t i = 0; i < k.values.size(); ++i)
      rows.push_back({k.values[i], "time × " + ratio_words(k.time[i]),
                      k.energy.empty() ? "" : "energy × " + ratio_words(k.energy[i]), ""});
    text += table(rows);
  }
  text += "\nseen beside it (no proof by itself):\n";
  for (const BottleneckEvidence& e : r.evidence)
    text += fmt::format("  {}: {} ({})\n", e.name, e.unit == "1" ? fmt::format("{:.2f}", e.value) : si(e.value, e.unit),
                        e.meaning);
  for (const std::string& line : r.unavailable) text += "not available: " + line + "\n";
  for (const std::string& line : r.notes) text += "note: " + line + "\n";
  text += "energy: " + (r.energy_from.empty() ? std::string("not known here") : r.energy_from) + "\n";
  return text + bottleneck_design(r) + "\n";
}

}  // namespace haywatt::report
