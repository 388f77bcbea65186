#include "report/profile_words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "haywatt/metrics/code_costs.hpp"
#include "report/text.hpp"

namespace haywatt::report {
namespace {

std::string percent(double share) { return fmt::format("{:.0f} %", 100.0 * share); }

std::string where_operators(const ProfileView& view) {
  std::map<std::string, double> phases;
  for (const ProfileRow& r : view.rows) phases[r.op->phase] += r.cpu_share;
  const auto most =
      std::max_element(phases.begin(), phases.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  std::string text = fmt::format("{} of the CPU time in phase {}", percent(most->second), most->first);
  const auto first =
      std::find_if(view.rows.begin(), view.rows.end(), [](const ProfileRow& r) { return r.op->calls > 0; });
  if (first != view.rows.end())
    text += fmt::format("; {} in {} alone ({} calls)", percent(first->cpu_share), first->name, count(first->op->calls));
  double outside = 0.0;
  for (const ProfileRow& r : view.rows)
    if (r.op->calls == 0) outside += r.cpu_share;
  return text + fmt::format("; {} outside of operators.", percent(outside));
}

std::string roof_words(const ProfileView& view) {
  double counted = 0.0, attained = 0.0, by_compute = 0.0;
  for (const ProfileRow& r : view.rows) {
    if (!r.roof) continue;
    counted += r.cpu_share;
    attained += r.cpu_share * r.roof->share;
    if (r.roof->compute_bound) by_compute += r.cpu_share;
  }
  if (counted <= 0.0) return {};
  return fmt::format(
      "Operators with {} of the CPU time have a place under the roofline. They reach {} of what it allows, weighted "
      "with "
      "time; {} of their time the roof above them is arithmetic, else memory.",
      percent(counted), percent(attained / counted), percent(by_compute / counted));
}

}  // namespace

std::vector<std::pair<std::string, std::string>> profile_headline(const ProfileRecord& record,
                                                                  const ProfileView& view) {
  std::vector<std::pair<std::string, std::string>> lines;
  const RunRecord& run = record.run;
  if (run.status != "ok") lines.emplace_back("Failed", run.reason);
  lines.emplace_back("Cost", fmt::format("{} wall, {} CPU, {} resident at most{}.", quantity(run.wall_s, "s"),
                                         quantity(run.cpu_s, "s"), quantity(static_cast<double>(run.rss_peak_B), "B"),
                                         view.energy_text));
  if (!view.rows.empty()) lines.emplace_back("Operators", where_operators(view));
  if (const std::string roof = roof_words(view); !roof.empty()) lines.emplace_back("Roof", roof);
  if (record.by == "sampling") {
    const auto functions = metrics::function_costs(record.stacks);
    const double all_s = metrics::sampled_s(record.stacks);
    if (!functions.empty() && all_s > 0.0)
      lines.emplace_back("Code", fmt::format("{} itself takes {} of the {} sampled ({} samples by {}).",
                                             functions.front().function, percent(functions.front().self_s / all_s),
                                             quantity(all_s, "s"), count(record.stacks.samples), record.stacks.by));
  }
  return lines;
}

std::vector<std::string> operator_column_words() {
  return {"CPU time is the operator's own; what it calls is not in it. Rows add up to the run.",
          "MACs, FLOPs, parameters and bytes are counted from shapes, not measured (docs/counting.md); bytes are the "
          "distinct ones of inputs, parameters and outputs of each call.",
          "Roof: achieved FLOP/s over what Williams, Waterman and Patterson's roofline allows one thread at this "
          "intensity, with data in the level that holds what one call touches, or in a nearer one if bytes came faster "
          "than that level gives them.",
          "Joules are attributed: the phase's, shared out by CPU time."};
}

}  // namespace haywatt::report
