#include "cli/profile_program_summary.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "cli/meter_summary.hpp"
#include "haywatt/base/text.hpp"
#include "haywatt/metrics/code_costs.hpp"
#include "haywatt/trace/stacks.hpp"

namespace haywatt::cli {
namespace {

/// The figure whose joules are shared out by CPU time: what the program is charged with, of the first source.
const EnergyFigure* shared_energy(const RunRecord& run) {
  for (const EnergyFigure& e : run.energy)
    if (e.known && e.share == "process-tree" && e.rule == "attributed") return &e;
  return nullptr;
}

std::string shortened(const std::string& text, std::size_t most) {
  return text.size() <= most ? text : text.substr(0, most - 1) + "…";
}

std::string rows(const std::vector<metrics::CodeCost>& costs, std::size_t most, double all_s,
                 const EnergyFigure* energy, const char* name) {
  std::string out = fmt::format("\n  {:>7}{:>8}{:>11}{:>11}", "self", "total", "CPU", "with calls");
  if (energy != nullptr) out += fmt::format("{:>11}", "joules");
  out += fmt::format("   {}\n", name);
  for (std::size_t i = 0; i < std::min(costs.size(), most); ++i) {
    const metrics::CodeCost& c = costs[i];
    const double share = c.self_s / all_s;
    out += fmt::format("  {:>5.1f} %{:>6.1f} %{:>11}{:>11}", 100.0 * share, 100.0 * c.total_s / all_s,
                       si(c.self_s, "s"), si(c.total_s, "s"));
    if (energy != nullptr) out += fmt::format("{:>11}", si(share * energy->joules.value, "J"));
    const std::string module = c.module.empty() || c.function.empty() ? c.module : "  (" + c.module + ")";
    out += "   " + shortened(c.function, 70) + module + "\n";
  }
  if (costs.size() > most) out += fmt::format("  {:>7} more\n", costs.size() - most);
  return out;
}

}  // namespace

std::string profile_program_summary(const ProfileRecord& record, const std::vector<std::string>& files, bool verbose) {
  const StackProfile& stacks = record.stacks;
  std::string out = meter_summary(record.run, "", verbose);
  const double all_s = metrics::sampled_s(stacks);
  if (!stacks.by.empty())
    out += fmt::format("\n  profile by {}: {} samples, one every {} of CPU time, for {} of the {} used\n", stacks.by,
                       stacks.samples, si(stacks.period_s, "s"), si(all_s, "s"), si(record.run.cpu_s, "s"));
  if (all_s > 0.0) {
    const EnergyFigure* energy = shared_energy(record.run);
    out += rows(metrics::function_costs(stacks), verbose ? 60 : 15, all_s, energy, "function (module)");
    out += rows(metrics::module_costs(stacks), verbose ? 30 : 6, all_s, energy, "module");
    if (energy != nullptr)
      out += "  joules are the program's, shared out by CPU time: they add nothing to the CPU seconds beside them\n";
  }
  if (stacks.lost > 0) out += fmt::format("  warning: {} samples were lost\n", stacks.lost);
  if (record.profiler_cpu_s >= 0.0 && record.run.cpu_s > 0.0)
    out += fmt::format("  sampling used {} of CPU in a process of its own, {:.2g} % of the program's\n",
                       si(record.profiler_cpu_s, "s"), 100.0 * record.profiler_cpu_s / record.run.cpu_s);
  for (const std::string& n : record.notes) out += "  note: " + n + "\n";
  for (const std::string& f : files) out += "  written: " + f + "\n";
  return out;
}

}  // namespace haywatt::cli
