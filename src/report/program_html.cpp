#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "haywatt/report/report.hpp"
#include "report/assets.hpp"
#include "report/page.hpp"
#include "report/program_sections.hpp"
#include "report/run_series.hpp"
#include "report/text.hpp"

namespace haywatt::report {
namespace {

using nlohmann::json;

// A number takes about 6 bytes in the page: with these limits the data stay under 0.5 MB.
constexpr std::size_t points_at_most = 2'000;
constexpr std::size_t power_series_at_most = 12;

json chart_data(const ProgramView& view) {
  const RunRecord& run = view.run;
  json power = json::array();
  for (const PowerSeries& p : run.power)
    if (!p.watts.empty() && power.size() < power_series_at_most) power.push_back(power_series(p, points_at_most));
  const SampleSeries s = sample_series(run.samples, points_at_most);
  json samples = {{"t", s.t}, {"memory", s.memory}, {"cores", s.cores}, {"read", s.read}, {"written", s.written}};
  if (s.counts_processes) {
    samples["processes"] = s.processes;
    samples["threads"] = s.threads;
  }
  return {{"wall", coarse(run.wall_s)},
          {"colours", phase_colours(view)},
          {"shade", phase_shades(run, view.phase_names)},
          {"power", power},
          {"samples", samples}};
}

std::string how_to_repeat(const ProgramView& view) {
  return view.run.tree ? "haywatt meter -o run.json -- " + view.command : view.command;
}

}  // namespace

std::string to_html(const ProgramRecord& record, const CarbonBasis& carbon) {
  const ProgramView view(record, carbon);
  const PageHead head = {.kind = "metered program",
                         .title = escape_html(title_of(view)),
                         .subject = escape_html(subject_line(view)),
                         .started = escape_html(record.run.started),
                         .version = escape_html(record.haywatt_version)};
  const Parts parts = {
      {"headline", headline_html(view)},
      {"power", power_html(view)},
      {"phases", phases_html(view)},
      {"samples", samples_html(view)},
      {"energy", energy_html(view)},
      {"uncertainty", uncertainty_html(view)},
      {"processes", processes_html(view)},
      {"carbon", carbon_html(view)},
      {"warnings", program_warnings_html(record.run)},
      {"command", escape_html(how_to_repeat(view))},
      {"machine", program_facts_html(view)},
      {"notes", program_notes_html(view)},
  };
  return whole_page(
      head, assets::program_page, parts,
      {assets::program_charts, "the charts over time are not drawn. Every total they add up to is also in the tables."},
      chart_data(view));
}

}  // namespace haywatt::report
