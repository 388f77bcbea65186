#include "report/sections.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "haywatt/base/text.hpp"
#include "haywatt/metrics/carbon.hpp"
#include "haywatt/metrics/pareto.hpp"
#include "haywatt/metrics/payback.hpp"
#include "report/text.hpp"
#include "report/verdict.hpp"

namespace haywatt::report {
namespace {

using metrics::ParetoStatus;
using metrics::Summary;
using metrics::SummaryRow;

std::string head_cells(const SummaryRow& row) {
  return fmt::format("<th scope=\"row\">{}</th><td>{}</td>", method_html(row.method), escape_html(row.bound));
}

std::string number_cell(const std::string& text) {
  return fmt::format("<td class=\"number\">{}</td>", escape_html(text));
}

std::string two_lines(const std::string& value, const std::string& detail) {
  return fmt::format("<td class=\"number\"><b>{}</b><span class=\"interval\">{}</span></td>", escape_html(value),
                     escape_html(detail));
}

std::string energy_cell(const std::optional<Figure>& f) {
  return f ? two_lines(quantity(f->value, f->unit), narrow_interval(*f)) : number_cell("unknown");
}

std::string payback_cell(const metrics::Payback& p) { return two_lines(payback_value(p), payback_detail(p)); }

}  // namespace

std::string definition(const std::string& term, const std::string& text) {
  if (text.empty()) return {};
  return fmt::format("<dt>{}</dt><dd>{}</dd>\n", escape_html(term), escape_html(text));
}

std::string verdict_html(const Summary& summary) {
  const Verdict verdict = make_verdict(summary);
  std::string html;
  const auto add = [&](const char* term, const std::vector<std::string>& sentences) {
    std::string text;
    for (const std::string& s : sentences)
      if (!s.empty()) text += fmt::format("<p>{}</p>", escape_html(s));
    if (!text.empty()) html += fmt::format("<dt>{}</dt><dd>{}</dd>\n", term, text);
  };
  add("Size", verdict.smallest);
  add("Energy", verdict.energy);
  add("Payback", {verdict.payback});
  add("Baler", verdict.baler);
  return html;
}

std::string pareto_table(const Summary& summary) {
  std::string html;
  const auto status = metrics::pareto_by_bound(summary);
  for (std::size_t i = 0; i < summary.rows.size(); ++i) {
    const SummaryRow& row = summary.rows[i];
    if (!row.ok() || !status[i]) continue;
    const char* word = *status[i] == ParetoStatus::Front       ? "on the front"
                       : *status[i] == ParetoStatus::Dominated ? "dominated"
                                                               : "cannot tell";
    html += "<tr>" + head_cells(row);
    html += number_cell(row.bytes_per_row.value ? quantity(row.bytes_per_row.value->value, "B/row") : "unknown");
    html += energy_cell(row.attributed.value) + fmt::format("<td>{}</td></tr>\n", word);
  }
  return html;
}

std::string phase_table(const Summary& summary) {
  std::string html;
  for (const SummaryRow& row : summary.rows) {
    if (!row.ok()) continue;
    for (const PhaseRecord& p : row.typical->phases) {
      const auto joules = metrics::phase_energy(p, summary.basis, "attributed");
      html += "<tr>" + head_cells(row) + fmt::format("<td>{}</td>", escape_html(p.name));
      html += number_cell(quantity(p.wall_s, "s")) + number_cell(quantity(p.cpu_s, "s"));
      html += number_cell(summary.basis.known && joules ? quantity(*joules, "J") : "unknown") + "</tr>\n";
    }
  }
  return html;
}

std::string payback_table(const Summary& summary) {
  metrics::PaybackAssumptions fetched;
  fetched.fetches_per_year = 1.0;
  std::string html;
  for (const SummaryRow& row : summary.rows) {
    if (!row.ok()) continue;
    const SummaryRow* base = summary.baseline_row();
    html += "<tr>" + head_cells(row) + energy_cell(row.compress_energy) + energy_cell(row.decode_energy);
    html += energy_cell(row.attributed.value ? std::optional(metrics::operational_carbon(*row.attributed.value))
                                             : std::nullopt);
    html += payback_cell(metrics::payback_against_raw(row));
    html += payback_cell(metrics::payback_against_raw(row, fetched));
    html += payback_cell(metrics::carbon_payback_against_raw(row));
    html += base == nullptr || base == &row ? number_cell("–") : payback_cell(metrics::payback_against(row, *base));
    html += "</tr>\n";
  }
  return html;
}

std::string networks_html(const Summary& summary) {
  std::string rows;
  for (const SummaryRow& row : summary.rows) {
    if (!row.ok()) continue;
    const auto& counts = row.typical->counts;
    const auto counted = [&](const char* name) {
      const auto it = counts.find(name);
      return it == counts.end() ? std::optional<double>() : std::optional(it->second);
    };
    if (!counted("parameters")) continue;
    const auto cell = [](std::optional<double> value, double factor, const char* unit) {
      return number_cell(value ? si(*value * factor, unit) : "–");
    };
    // A multiply-accumulate is two floating-point operations.
    rows += "<tr>" + head_cells(row) +
            number_cell(counted("epochs") ? count(static_cast<std::uint64_t>(*counted("epochs"))) : "–") +
            number_cell(count(static_cast<std::uint64_t>(*counted("parameters")))) +
            cell(counted("macs_encode_per_row"), 2.0, "FLOP") + cell(counted("macs_decode_per_row"), 2.0, "FLOP") +
            cell(counted("macs_train"), 2.0, "FLOP");
    const PhaseRecord* train = row.typical->phase("train");
    const bool rate = train != nullptr && train->wall_s > 0.0 && counted("macs_train");
    rows += number_cell(rate ? si(2.0 * *counted("macs_train") / train->wall_s, "FLOP/s") : "–") + "</tr>\n";
  }
  if (rows.empty()) return {};
  return R"(<section aria-labelledby="networks-title">
<h2 id="networks-title">The networks</h2>
<p>Counted from the layers, not measured: one multiply-accumulate is two floating-point operations (FLOP). The rate is training’s FLOP over its wall time.</p>
<div class="wide"><table class="compact">
<caption class="hidden">Parameters and arithmetic of the trained networks</caption>
<thead><tr><th scope="col">Method</th><th scope="col">Bound</th><th scope="col">Epochs</th><th scope="col">Parameters</th><th scope="col">Encoding a row</th><th scope="col">Decoding a row</th><th scope="col">Training</th><th scope="col">Training rate</th></tr></thead>
<tbody>
)" + rows +
         "</tbody></table></div>\n</section>\n\n";
}

std::string assumptions_table() {
  std::string html;
  for (const metrics::Constant& c : metrics::all_constants()) {
    html += fmt::format("<tr><th scope=\"row\"><code>{}</code></th>", escape_html(c.key));
    html += number_cell(c.unit == "1" ? digits(c.value) : digits(c.value) + " " + c.unit);
    html += number_cell(fmt::format("{} to {}", digits(c.low), digits(c.high)));
    html += fmt::format("<td>{}</td></tr>\n", escape_html(c.source));
  }
  return html;
}

std::string machine_facts(const Machine& m, const std::string& haywatt_version) {
  std::string html = definition("Processor", m.cpu_name);
  html += definition("Architecture", m.micro_architecture);
  std::string cpus = fmt::format("{} logical", m.logical_cpus);
  if (m.physical_cores > 0) cpus += fmt::format(", {} cores", m.physical_cores);
  if (m.sockets > 0) cpus += fmt::format(", {} socket{}", m.sockets, m.sockets == 1 ? "" : "s");
  if (m.cpu_quota > 0) cpus += fmt::format("; {:g} allowed to this run", m.cpu_quota);
  html += definition("CPUs", cpus);
  html += definition("Memory", m.memory_B > 0 ? quantity(static_cast<double>(m.memory_B), "B") : "");
  html +=
      definition("Virtual machine", m.virtual_machine ? (m.hypervisor.empty() ? "yes" : "yes, " + m.hypervisor) : "no");
  html += definition("System", m.distribution + (m.kernel.empty() ? "" : "; " + m.kernel));
  html += definition("Machine", m.id);
  html += definition("Haywatt", haywatt_version);
  for (const auto& [library, version] : m.libraries) html += definition(library, version);
  return html;
}

std::string machine_html(const StudyRecord& study) {
  std::string html = machine_facts(study.machine, study.haywatt_version);
  html += definition("Started", study.started);
  html += definition("Finished", study.finished.empty() ? "not finished" : study.finished);
  if (!study.runs.empty()) html += definition("Data, xxh3", study.runs.front().data_xxh3);
  return html;
}

std::string failures_html(const Summary& summary) {
  std::string items;
  for (const SummaryRow& row : summary.rows) {
    if (row.failed_runs == 0) continue;
    items +=
        fmt::format("<li><b>{}</b> at {}, {} of {} runs: {}</li>\n", escape_html(row.method), escape_html(row.bound),
                    row.failed_runs, row.failed_runs + row.ok_runs, escape_html(row.reason));
  }
  return items.empty() ? "<p>No run failed.</p>" : "<ul>\n" + items + "</ul>";
}

std::string warnings_html(const StudyRecord& study) {
  std::map<std::string, std::vector<std::string>> methods_of;
  for (const RunRecord& run : study.runs)
    for (const std::string& w : run.warnings) {
      auto& methods = methods_of[w];
      if (std::find(methods.begin(), methods.end(), run.method) == methods.end()) methods.push_back(run.method);
    }
  if (methods_of.empty()) return "<p>None.</p>";
  std::string html = "<ul>\n";
  for (const auto& [warning, methods] : methods_of)
    html += fmt::format("<li>{} <span class=\"muted\">({})</span></li>\n", escape_html(warning),
                        escape_html(join_words(methods)));
  return html + "</ul>";
}

std::string energy_sentence_plain(const metrics::EnergyBasis& basis) {
  if (!basis.known)
    return "Energy is unknown: " + (basis.note.empty() ? std::string("no run has an energy figure") : basis.note) +
           ". Unknown is not zero.";
  std::string text = fmt::format("Energy: sensor {}, boundary {}, share process-tree", basis.sensor, basis.boundary);
  if (!basis.tier.empty()) text += ", tier " + basis.tier;
  text += "; rules marginal (what not running it would have saved) and attributed (with its part of idle power).";
  if (basis.estimated)
    text +=
        " It is an estimate, not a measurement: an estimate from utilisation is CPU time in other units and cannot "
        "rank "
        "two methods differently from their CPU seconds.";
  return text;
}

std::string energy_note(const metrics::EnergyBasis& basis) { return escape_html(energy_sentence_plain(basis)); }

std::string external_note(const StudyRecord& study) {
  const bool any = std::any_of(study.runs.begin(), study.runs.end(),
                               [](const RunRecord& run) { return run.method.starts_with("external:"); });
  return any ? "<p class=\"note\"><b>external:</b> programs that the plan describes by their command lines. Their "
               "figures are "
               "those of whole processes, with starting, reading and writing, which the speeds of the other methods "
               "leave out; the phases show what is what.</p>\n"
             : "";
}

std::string subject_line(const StudyRecord& study, const Summary& summary) {
  std::string data;
  const SummaryRow* row = nullptr;
  for (const SummaryRow& r : summary.rows)
    if (r.ok() && row == nullptr) row = &r;
  if (!study.runs.empty()) data = study.runs.front().data;
  if (row == nullptr) return data;
  return fmt::format("{}: {} rows, {} columns, {} of values", data, count(row->rows), count(row->typical->columns),
                     quantity(static_cast<double>(row->raw_B), "B"));
}

}  // namespace haywatt::report
