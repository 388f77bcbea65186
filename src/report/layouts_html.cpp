#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "haywatt/report/report.hpp"
#include "report/assets.hpp"
#include "report/layouts_words.hpp"
#include "report/page.hpp"
#include "report/run_series.hpp"
#include "report/sections.hpp"
#include "report/text.hpp"

namespace haywatt::report {
namespace {

using nlohmann::json;

constexpr std::size_t cases_at_most = 3'000;

std::string head(const char* caption, std::initializer_list<const char*> columns, std::size_t text_columns) {
  std::string html = fmt::format(
      "<div class=\"wide\"><table class=\"compact\"><caption class=\"hidden\">{}</caption>\n<thead><tr>", caption);
  std::size_t i = 0;
  for (const char* c : columns)
    html += fmt::format("<th scope=\"col\" class=\"{}\">{}</th>", i++ < text_columns ? "text" : "number", c);
  return html + "</tr></thead>\n<tbody>\n";
}

std::string cell(const std::string& text, const char* kind = "number") {
  return fmt::format("<td class=\"{}\">{}</td>", kind, escape_html(text));
}

std::string pays_html(const LayoutsRecord& r, bool extrapolated) {
  std::string html =
      "<div class=\"wide\"><table class=\"compact\"><caption class=\"hidden\">Where model-parallel "
      "pays</caption>\n<thead><tr><th scope=\"col\" class=\"text\">Network</th><th scope=\"col\" "
      "class=\"number\">Ranks</th><th scope=\"col\" class=\"number\">Batch</th><th scope=\"col\" class=\"text\">Faster "
      "at width</th><th "
      "scope=\"col\" class=\"text\">Less energy at width</th></tr></thead>\n<tbody>\n";
  bool any = false;
  for (const LayoutPays& p : r.pays) {
    if (p.extrapolated != extrapolated) continue;
    any = true;
    html += fmt::format("<tr><th scope=\"row\">{}</th>", escape_html(p.network)) + cell(std::to_string(p.ranks)) +
            cell(count(p.batch)) + cell(pays_words(p.time), "text") + cell(pays_words(p.energy), "text") + "</tr>\n";
  }
  if (!any) return "<p class=\"empty\">Nothing to compare.</p>\n";
  return html + "</tbody></table></div>\n";
}

std::string assumptions_html(const LayoutsRecord& r) {
  std::string html = "<ul>\n", last;
  for (const LayoutPays& p : r.pays) {
    if (!p.extrapolated || p.network == last) continue;
    last = p.network;
    html += fmt::format("<li>{}: {}</li>\n", escape_html(p.network), escape_html(p.assumption));
  }
  return html + "</ul>\n";
}

std::string networks_html(const LayoutsRecord& r) {
  std::string html =
      head("Networks",
           {"Network", "Width", "Transport", "One way", "Exchange", "Lines off by at most", "CPU of waiting"}, 1);
  for (const LayoutPart& part : r.parts)
    for (const LayoutNetwork& n : part.networks)
      html += fmt::format("<tr><th scope=\"row\">{}</th>", escape_html(n.name)) + cell(width_words(part.widen)) +
              cell(n.transport) + cell(link_words(n.one_way)) + cell(link_words(n.exchange)) +
              cell(fmt::format("{:.0f} %", 100.0 * n.worst_fit_deviation)) +
              cell(fmt::format("{:.0f} %", 100.0 * n.wait_cpu_share)) + "</tr>\n";
  return html + "</tbody></table></div>\n";
}

std::string case_row(const LayoutCase& c) {
  std::uint64_t memory = 0;
  for (const LayoutRank& rank : c.ranks) memory = std::max(memory, rank.weights_B + rank.activations_B);
  std::string html = fmt::format("<tr><th scope=\"row\">{}</th>", escape_html(c.layout)) + cell(count(c.batch));
  html += fmt::format("<td class=\"number\"><b>{}</b><span class=\"interval\">{}</span></td>",
                      escape_html(quantity(c.time_s.value, "s")), escape_html(interval(c.time_s)));
  html += cell(quantity(c.predicted_time_s, "s")) + cell(deviation_words(c.time_deviation));
  html += cell(quantity(c.cpu_s.value, "s")) + cell(quantity(c.predicted_cpu_s, "s")) +
          cell(deviation_words(c.energy_deviation));
  html += fmt::format("<td class=\"number\"><b>{}</b><span class=\"interval\">{}</span></td>",
                      escape_html(quantity(c.energy_J.value, "J")), escape_html(interval(c.energy_J)));
  for (const Figure* f : {&c.time_over_single, &c.time_over_data})
    html += f->unit.empty() ? cell("–")
                            : fmt::format("<td class=\"number\"><b>×{}</b><span class=\"interval\">{}</span></td>",
                                          escape_html(digits(f->value)), escape_html(narrow_interval(*f)));
  return html + cell(quantity(static_cast<double>(memory), "B")) + "</tr>\n";
}

std::string cases_html(const LayoutsRecord& r) {
  std::string html;
  std::size_t drawn = 0;
  for (const LayoutPart& part : r.parts)
    for (const LayoutNetwork& n : part.networks) {
      html += fmt::format("<details><summary>Width {} · {}</summary>\n", width_words(part.widen), escape_html(n.name));
      html += head("Cases",
                   {"Layout", "Batch", "Measured", "Predicted", "Off", "CPU measured", "CPU predicted", "Off", "Energy",
                    "÷ single", "÷ data", "Memory a rank"},
                   1);
      for (const LayoutCase& c : n.cases)
        if (drawn++ < cases_at_most) html += case_row(c);
      html += "</tbody></table></div></details>\n";
    }
  return html;
}

json chart_data(const LayoutsRecord& r) {
  std::map<std::string, json> time;
  for (const LayoutPart& part : r.parts)
    for (const LayoutNetwork& n : part.networks)
      for (const LayoutCase& c : n.cases) {
        if (!(c.time_s.value > 0.0)) continue;
        const std::string what = fmt::format("{} {}, batch {}, {}", c.layout, width_words(part.widen), c.batch, n.name);
        time[c.layout].push_back({coarse(c.time_s.value), coarse(c.predicted_time_s), what});
      }
  json layouts = json::array();
  for (auto& [name, points] : time) layouts.push_back({{"name", name}, {"points", std::move(points)}});
  return {{"layouts", std::move(layouts)}};
}

std::string notes_html(const LayoutsRecord& r) {
  std::string html = "<ul>\n";
  for (const std::string& note : r.notes) html += fmt::format("<li>{}</li>\n", escape_html(note));
  html +=
      "<li>Weights are random: how long a layer takes does not depend on them. Rows lie on rank 0 and the result is "
      "wanted there, except with shards.</li>\n<li>Energy is the marginal energy of a CPU second of the metered run "
      "times the CPU seconds of the ranks. Ranks that spin while they wait use a whole CPU.</li>\n<li>The added "
      "latency "
      "delays the delivery of each message; it does not delay what MPI sends to and fro for large ones.</li>\n";
  return html + "</ul>";
}

}  // namespace

std::string to_html(const LayoutsRecord& r) {
  std::string verdict;
  for (const auto& [term, sentences] : layouts_headline(r)) {
    std::string text;
    for (const std::string& s : sentences) text += fmt::format("<p>{}</p>", escape_html(s));
    verdict += fmt::format("<dt>{}</dt><dd>{}</dd>\n", term, text);
  }
  const json data = chart_data(r);
  const std::string libraries =
      r.parts.empty() ? "" : definition("MPI", r.parts.front().mpi) + definition("BLAS", r.parts.front().blas);
  const std::string energy =
      r.parts.empty() || !r.parts.front().joules_per_cpu_s.known
          ? definition("Energy", "unknown")
          : definition("Energy of a CPU second",
                       fmt::format("{} by {} {}, {}, marginal", with_interval(r.parts.front().joules_per_cpu_s.joules),
                                   r.parts.front().joules_per_cpu_s.sensor, r.parts.front().joules_per_cpu_s.tier,
                                   r.parts.front().joules_per_cpu_s.boundary));
  const PageHead head = {.kind = "layouts",
                         .title = fmt::format("An autoencoder over {} ranks", r.ranks),
                         .subject = escape_html(r.machine.cpu_name.empty() ? "" : "on " + r.machine.cpu_name),
                         .started = escape_html(r.started),
                         .version = escape_html(r.haywatt_version)};
  const Parts parts = {
      {"headline", verdict},          {"command", escape_html(r.command)},
      {"pays", pays_html(r, false)},  {"elsewhere", pays_html(r, true) + assumptions_html(r)},
      {"networks", networks_html(r)}, {"cases", cases_html(r)},
      {"notes", notes_html(r)},       {"machine", machine_facts(r.machine, r.haywatt_version) + libraries + energy},
  };
  return whole_page(head, assets::layouts_page, parts,
                    {assets::layouts_charts, "the chart is not drawn. Everything else is here."}, data);
}

}  // namespace haywatt::report
