#include <nlohmann/json.hpp>
#include <optional>

#include "haywatt/metrics/carbon.hpp"
#include "haywatt/metrics/pareto.hpp"
#include "haywatt/metrics/payback.hpp"
#include "haywatt/report/report.hpp"
#include "report/sections.hpp"
#include "report/verdict.hpp"

namespace haywatt::report {
namespace {

using metrics::Metric;
using metrics::PaybackKind;
using metrics::SummaryRow;
using nlohmann::json;

json optional_figure(const std::optional<Figure>& f) { return f ? json(*f) : json(nullptr); }

json metric(const Metric& m) {
  if (!m.value) return nullptr;
  json j = *m.value;
  j["to_baseline"] = optional_figure(m.to_baseline);
  return j;
}

json optional_number(const std::optional<double>& v) { return v ? json(*v) : json(nullptr); }

const char* kind_name(PaybackKind kind) {
  switch (kind) {
    case PaybackKind::Never:
      return "never";
    case PaybackKind::AtOnce:
      return "at once";
    case PaybackKind::After:
      return "after";
    case PaybackKind::Unknown:
      break;
  }
  return "unknown";
}

json payback(const metrics::Payback& p) {
  return {{"kind", kind_name(p.kind)},
          {"years", p.kind == PaybackKind::After ? json(p.years) : json(nullptr)},
          {"explanation", p.explanation}};
}

const char* status_name(metrics::ParetoStatus status) {
  switch (status) {
    case metrics::ParetoStatus::Front:
      return "front";
    case metrics::ParetoStatus::Dominated:
      return "dominated";
    case metrics::ParetoStatus::CannotTell:
      break;
  }
  return "cannot tell";
}

json paybacks(const SummaryRow& row, const SummaryRow* baseline) {
  metrics::PaybackAssumptions fetched;
  fetched.fetches_per_year = 1.0;
  json j = {{"kept", payback(metrics::payback_against_raw(row))},
            {"fetched_yearly", payback(metrics::payback_against_raw(row, fetched))},
            {"carbon_kept", payback(metrics::carbon_payback_against_raw(row))}};
  j["over_baseline"] =
      baseline == nullptr || baseline == &row ? json(nullptr) : payback(metrics::payback_against(row, *baseline));
  return j;
}

json row_json(const SummaryRow& row, const std::optional<metrics::ParetoStatus>& status, const SummaryRow* baseline) {
  json j = {{"method", row.method},        {"method_version", row.method_version}, {"bound", row.bound},
            {"runs_ok", row.ok_runs},      {"runs_failed", row.failed_runs},       {"reason", row.reason},
            {"baseline", &row == baseline}};
  if (!row.ok()) return j;
  j["rows"] = row.rows;
  j["raw_B"] = row.raw_B;
  j["compressed_B"] = row.compressed_B;
  j["model_B"] = row.model_B;
  j["error_over_bound"] = optional_number(row.error_over_bound);
  j["error_over_range"] = optional_number(row.error_over_range);
  j["violations"] = row.violations;
  j["counts"] = row.typical->counts;
  j["bytes_per_row"] = metric(row.bytes_per_row);
  j["factor"] = metric(row.factor);
  j["in_speed"] = metric(row.in_speed);
  j["out_speed"] = metric(row.out_speed);
  j["peak_memory"] = metric(row.peak_memory);
  j["added_memory"] = metric(row.added_memory);
  j["cpu_per_GB"] = metric(row.cpu);
  j["energy_per_GB_marginal"] = metric(row.marginal);
  j["energy_per_GB_attributed"] = metric(row.attributed);
  j["compress_energy_per_GB"] = optional_figure(row.compress_energy);
  j["decode_energy_per_GB"] = optional_figure(row.decode_energy);
  j["operational_carbon_per_GB"] =
      row.attributed.value ? json(metrics::operational_carbon(*row.attributed.value)) : json(nullptr);
  j["pareto"] = status ? json(status_name(*status)) : json(nullptr);
  j["payback"] = paybacks(row, baseline);
  return j;
}

json assumptions() {
  json all = json::array();
  for (const metrics::Constant& c : metrics::all_constants())
    all.push_back(
        {{"key", c.key}, {"value", c.value}, {"low", c.low}, {"high", c.high}, {"unit", c.unit}, {"source", c.source}});
  return all;
}

}  // namespace

json to_metrics(const StudyRecord& study) {
  const metrics::Summary summary = metrics::summarise(study);
  json j = {{"schema", "haywatt-metrics/1"}, {"haywatt_version", study.haywatt_version},
            {"title", study.title},          {"command", study.command},
            {"started", study.started},      {"finished", study.finished},
            {"machine", study.machine},      {"verdict", make_verdict(summary).paragraphs()},
            {"assumptions", assumptions()}};
  const metrics::EnergyBasis& basis = summary.basis;
  j["energy"] = {{"known", basis.known},       {"sensor", basis.sensor},
                 {"boundary", basis.boundary}, {"share", basis.known ? "process-tree" : ""},
                 {"tier", basis.tier},         {"note", energy_sentence_plain(basis)}};
  const SummaryRow* baseline = summary.baseline_row();
  j["baseline"] = baseline == nullptr ? json(nullptr) : json{{"method", baseline->method}, {"bound", baseline->bound}};
  const auto status = metrics::pareto_by_bound(summary);
  j["rows"] = json::array();
  for (std::size_t i = 0; i < summary.rows.size(); ++i)
    j["rows"].push_back(row_json(summary.rows[i], status[i], baseline));
  return j;
}

}  // namespace haywatt::report
