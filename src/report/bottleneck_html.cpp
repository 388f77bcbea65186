#include <fmt/format.h>

#include <algorithm>

#include "haywatt/report/report.hpp"
#include "report/assets.hpp"
#include "report/bottleneck_words.hpp"
#include "report/page.hpp"
#include "report/sections.hpp"
#include "report/text.hpp"

namespace haywatt::report {
namespace {

std::string headline(const BottleneckRecord& r) {
  std::string html = fmt::format("<dt>Verdict</dt><dd><p>{}</p><p>{}</p></dd>\n", escape_html(bottleneck_headline(r)),
                                 escape_html(r.reason));
  if (!r.advice.empty()) html += fmt::format("<dt>Next</dt><dd><p>{}</p></dd>\n", escape_html(r.advice));
  return html + fmt::format("<dt>Energy</dt><dd><p>{}</p></dd>\n",
                            escape_html(r.energy_from.empty() ? "not known here" : r.energy_from));
}

std::string notes(const BottleneckRecord& r) {
  std::string html = "<ul>\n";
  html += fmt::format("<li>{}</li>\n", escape_html(bottleneck_design(r)));
  for (const std::string& line : r.unavailable) html += fmt::format("<li>not available: {}</li>\n", escape_html(line));
  for (const std::string& line : r.notes) html += fmt::format("<li>{}</li>\n", escape_html(line));
  return html + "</ul>\n";
}

}  // namespace

std::string to_html(const BottleneckRecord& r) {
  constexpr std::size_t longest = 60;
  const std::string title = r.command.size() > longest ? r.command.substr(0, longest) + "…" : r.command;
  const PageHead head = {.kind = "bottleneck",
                         .title = escape_html(title),
                         .subject = escape_html(r.machine.cpu_name.empty() ? "" : "on " + r.machine.cpu_name),
                         .started = escape_html(r.started),
                         .version = escape_html(r.haywatt_version)};
  const Parts parts = {
      {"headline", headline(r)},
      {"section", bottleneck_section(r)},
      {"notes", notes(r)},
      {"machine", machine_facts(r.machine, r.haywatt_version)},
  };
  return whole_page(head, assets::bottleneck_page, parts);
}

std::string to_markdown(const BottleneckRecord& r) {
  std::string text = "# Bottleneck\n\n" + markdown_block(r.command) + "\n**" + escape_markdown(bottleneck_headline(r)) +
                     "** " + escape_markdown(r.reason) + "\n\n";
  if (!r.advice.empty()) text += "Next: " + escape_markdown(r.advice) + "\n\n";
  text +=
      "| treatment / control | time × (95 %) | CPU time × | energy × | share of the time |\n|---|--:|--:|--:|--:|\n";
  for (const BottleneckSensitivity& s : r.sensitivities)
    if (s.known)
      text += fmt::format("| {} | {} | {} | {} | {} |\n", escape_markdown(s.treatment + " / " + s.control),
                          ratio_words(s.time), ratio_words(s.cpu), s.energy_known ? ratio_words(s.energy) : "–",
                          s.share_known ? ratio_words(s.share) : "–");
  for (const BottleneckKnob& k : r.knobs) {
    text += fmt::format("\nKnob {}: {}\n\n| value | time × | energy × |\n|---|--:|--:|\n", escape_markdown(k.name),
                        escape_markdown(k.meaning));
    for (std::size_t i = 0; i < std::min(k.values.size(), k.time.size()); ++i)
      text += fmt::format("| {} | {} | {} |\n", escape_markdown(k.values[i]), ratio_words(k.time[i]),
                          i < k.energy.size() ? ratio_words(k.energy[i]) : "–");
  }
  text += "\n" + escape_markdown(bottleneck_design(r)) + "\n";
  for (const std::string& line : r.unavailable) text += "\nNot available: " + escape_markdown(line) + "\n";
  return text;
}

}  // namespace haywatt::report
