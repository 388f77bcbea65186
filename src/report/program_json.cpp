#include <cmath>
#include <nlohmann/json.hpp>

#include "haywatt/report/report.hpp"
#include "report/program_view.hpp"

namespace haywatt::report {
namespace {

using nlohmann::json;

json number(double v) { return std::isfinite(v) ? json(v) : json(nullptr); }
json figure(const std::optional<Figure>& f) { return f ? json(*f) : json(nullptr); }

json constant(const metrics::Constant& c) {
  return {{"key", c.key}, {"value", c.value}, {"low", c.low}, {"high", c.high}, {"unit", c.unit}, {"source", c.source}};
}

json phase(const PhaseRecord& p, const metrics::EnergyBasis& basis) {
  return {{"name", p.name},
          {"wall_s", number(p.wall_s)},
          {"cpu_s", number(p.cpu_s)},
          {"marginal", figure(phase_figure(p, basis, "marginal"))},
          {"attributed", figure(phase_figure(p, basis, "attributed"))}};
}

}  // namespace

json to_summary(const ProgramRecord& record, const CarbonBasis& carbon) {
  const ProgramView view(record, carbon);
  const RunRecord& run = record.run;
  json phases = json::array(), words = json::object();
  for (const PhaseRecord& p : run.phases) phases.push_back(phase(p, view.basis));
  for (const auto& [term, sentences] : headline(view)) words[term] = sentences;
  return {{"schema", "haywatt-program/1"},
          {"haywatt_version", record.haywatt_version},
          {"id", run.id},
          {"label", run.label},
          {"command", run.tree ? json(run.tree->command) : json(nullptr)},
          {"started", run.started},
          {"status", run.status},
          {"exit_code", run.tree ? json(run.tree->exit_code) : json(nullptr)},
          {"wall_s", number(run.wall_s)},
          {"cpu_s", number(run.cpu_s)},
          {"rss_peak_B", run.rss_peak_B},
          {"read_B", run.read_B},
          {"written_B", run.written_B},
          {"energy",
           {{"known", view.basis.known},
            {"sensor", view.basis.sensor},
            {"boundary", view.basis.boundary},
            {"tier", view.basis.tier},
            {"estimated", view.basis.estimated},
            {"note", view.basis.note},
            {"marginal", figure(view.marginal)},
            {"attributed", figure(view.attributed)}}},
          {"operational_carbon",
           {{"value", figure(view.grams)}, {"pue", constant(carbon.pue)}, {"grid", constant(carbon.grid.intensity)}}},
          {"phases", phases},
          {"warnings", run.warnings},
          {"words", words}};
}

}  // namespace haywatt::report
