#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "haywatt/report/report.hpp"
#include "report/assets.hpp"
#include "report/attachments_html.hpp"
#include "report/chart_data.hpp"
#include "report/page.hpp"
#include "report/sections.hpp"
#include "report/text.hpp"

namespace haywatt::report {
namespace {

std::string baseline_words(const metrics::Summary& summary) {
  const auto* base = summary.baseline_row();
  return base == nullptr ? "none" : fmt::format("{} ({})", escape_html(base->method), escape_html(base->bound));
}

}  // namespace

std::string to_html(const StudyRecord& study, const Attachments& attachments) {
  const metrics::Summary summary = metrics::summarise(study);
  const nlohmann::json data = chart_data(summary);
  const auto left_out = data["columnsLeftOut"].get<std::size_t>();
  const PageHead head = {
      .kind = "compression study",
      .title = escape_html(study.title),
      .subject = escape_html(subject_line(study, summary)) + "<br>on " + escape_html(study.machine.cpu_name),
      .started = escape_html(study.started),
      .version = escape_html(study.haywatt_version)};
  const Parts parts = {
      {"verdict", verdict_html(summary)},
      {"baseline", baseline_words(summary)},
      {"energy_note", energy_note(summary.basis)},
      {"external_note", external_note(study)},
      {"summary_rows", summary_table(summary)},
      {"pareto_rows", pareto_table(summary)},
      {"phase_rows", phase_table(summary)},
      {"columns_note", left_out == 0
                           ? std::string()
                           : fmt::format(" {} further columns are not drawn, to keep this page small.", left_out)},
      {"networks", networks_html(summary)},
      {"payback_rows", payback_table(summary)},
      {"assumption_rows", assumptions_table()},
      {"attachments", attachments_html(attachments)},
      {"failures", failures_html(summary)},
      {"warnings", warnings_html(study)},
      {"machine", machine_html(study)},
      {"command", escape_html(study.command)},
      {"plan", escape_html(study.plan_toml)},
  };
  return whole_page(head, assets::page, parts,
                    {assets::charts, "the charts are not drawn. Every number they show is also in the tables."}, data);
}

}  // namespace haywatt::report
