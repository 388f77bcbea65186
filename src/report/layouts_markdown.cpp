#include <fmt/format.h>

#include <algorithm>

#include "haywatt/report/report.hpp"
#include "report/layouts_words.hpp"
#include "report/text.hpp"

namespace haywatt::report {
namespace {

std::string pays_table(const LayoutsRecord& r, bool extrapolated) {
  std::string text = "| network | ranks | batch | faster at | less energy at |\n|---|--:|--:|---|---|\n";
  for (const LayoutPays& p : r.pays)
    if (p.extrapolated == extrapolated)
      text += fmt::format("| {} | {} | {} | {} | {} |\n", escape_markdown(p.network), p.ranks, p.batch,
                          escape_markdown(pays_words(p.time)), escape_markdown(pays_words(p.energy)));
  return text;
}

std::string cases_table(const LayoutsRecord& r) {
  std::string text =
      "| width | network | batch | layout | measured | predicted | off | CPU measured | predicted | off | energy | ÷ "
      "single | ÷ data | memory a rank |\n|--:|---|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n";
  for (const LayoutPart& part : r.parts)
    for (const LayoutNetwork& n : part.networks)
      for (const LayoutCase& c : n.cases) {
        std::uint64_t memory = 0;
        for (const LayoutRank& rank : c.ranks) memory = std::max(memory, rank.weights_B + rank.activations_B);
        text += fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |\n",
                            width_words(part.widen), escape_markdown(n.name), c.batch, escape_markdown(c.layout),
                            with_interval(c.time_s), quantity(c.predicted_time_s, "s"),
                            deviation_words(c.time_deviation), quantity(c.cpu_s.value, "s"),
                            quantity(c.predicted_cpu_s, "s"), deviation_words(c.energy_deviation),
                            quantity(c.energy_J.value, "J"), digits(c.time_over_single.value),
                            digits(c.time_over_data.value), quantity(static_cast<double>(memory), "B"));
      }
  return text;
}

}  // namespace

std::string to_markdown(const LayoutsRecord& r) {
  std::string text = fmt::format("# Layouts of an autoencoder over {} ranks\n\n", r.ranks);
  text += markdown_block(r.command) + "\n";
  for (const auto& [term, sentences] : layouts_headline(r)) {
    text += fmt::format("**{}.**", term);
    for (const std::string& s : sentences) text += " " + escape_markdown(s);
    text += "\n\n";
  }
  text += "## Where model-parallel pays, measured\n\n" + pays_table(r, false);
  text += "\n## Where it would pay, extrapolated\n\n" + pays_table(r, true);
  std::string last;
  text += "\n";
  for (const LayoutPays& p : r.pays) {
    if (!p.extrapolated || p.network == last) continue;
    last = p.network;
    text += fmt::format("- {}: {}\n", escape_markdown(p.network), escape_markdown(p.assumption));
  }
  text +=
      "\n## Networks as measured at the start\n\n| width | network | transport | one way | exchange | lines from "
      "samples "
      "|\n|--:|---|---|--:|--:|--:|\n";
  for (const LayoutPart& part : r.parts)
    for (const LayoutNetwork& n : part.networks)
      text += fmt::format("| {} | {} | {} | {} | {} | {:.0f} % |\n", width_words(part.widen), escape_markdown(n.name),
                          n.transport, link_words(n.one_way), link_words(n.exchange), 100.0 * n.worst_fit_deviation);
  text += "\n## All cases\n\n" + cases_table(r);
  if (!r.notes.empty()) text += "\n## Notes\n\n";
  for (const std::string& n : r.notes) text += "- " + escape_markdown(n) + "\n";
  return text;
}

}  // namespace haywatt::report
