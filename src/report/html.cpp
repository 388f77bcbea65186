#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "haywatt/report/report.hpp"
#include "report/assets.hpp"
#include "report/attachments_html.hpp"
#include "report/chart_data.hpp"
#include "report/frame.hpp"
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
  const Parts parts = {
      {"title", escape_html(study.title)},
      {"subject", escape_html(subject_line(study, summary))},
      {"started", escape_html(study.started)},
      {"cpu", escape_html(study.machine.cpu_name)},
      {"version", escape_html(study.haywatt_version)},
      {"style", std::string(assets::style)},
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
      {"data", script_json(data)},
      {"chartjs", std::string(assets::chartjs)},
      {"common", std::string(assets::common)},
      {"charts", std::string(assets::charts)},
  };
  return fill_in(assets::page, parts);
}

}  // namespace haywatt::report
