#include "record/key_figures.hpp"

#include "record/json_fields.hpp"

namespace haywatt::record {

using nlohmann::json;

json key_figures_json(const RunRecord& run) {
  json phases = json::array();
  for (const PhaseRecord& p : run.phases)
    phases.push_back(
        {{"name", utf8(p.name)}, {"wall_s", number(p.wall_s)}, {"cpu_s", number(p.cpu_s)}, {"energy", p.energy}});
  return {{"id", utf8(run.id)},         {"started", utf8(run.started)}, {"wall_s", number(run.wall_s)},
          {"cpu_s", number(run.cpu_s)}, {"rss_peak_B", run.rss_peak_B}, {"energy", run.energy},
          {"phases", std::move(phases)}};
}

void read_key_figures(const json& j, RunRecord& run) {
  read_member(j, "id", run.id);
  read_member(j, "started", run.started);
  read_member(j, "wall_s", run.wall_s);
  read_member(j, "cpu_s", run.cpu_s);
  read_member(j, "rss_peak_B", run.rss_peak_B);
  read_list(j, "energy", run.energy);
  run.phases.clear();
  for (const json& item : array_member(j, "phases")) {
    expect_object(item, "phase");
    PhaseRecord& p = run.phases.emplace_back();
    read_member(item, "name", p.name);
    read_member(item, "wall_s", p.wall_s);
    read_member(item, "cpu_s", p.cpu_s);
    read_list(item, "energy", p.energy);
  }
}

}  // namespace haywatt::record
