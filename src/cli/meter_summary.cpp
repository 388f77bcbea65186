#include "cli/meter_summary.hpp"

#include <fmt/format.h>

#include "haywatt/base/text.hpp"

namespace haywatt::cli {
namespace {

std::string time_text(double s) {
  if (s < 60.0) return si(s, "s");
  const auto minutes = static_cast<long>(s / 60.0);
  return minutes < 60
             ? fmt::format("{} min {:.1f} s", minutes, s - 60.0 * static_cast<double>(minutes))
             : fmt::format("{} h {} min {:.0f} s", minutes / 60, minutes % 60, s - 60.0 * static_cast<double>(minutes));
}

std::string joules(const EnergyFigure& e) {
  return fmt::format("{} ({} to {})", si(e.joules.value, "J"), si(e.joules.low, "J"), si(e.joules.high, "J"));
}

}  // namespace

std::string meter_summary(const RunRecord& run, const std::string& output) {
  const TreeRecord& t = *run.tree;
  std::string out = fmt::format("haywatt: {}\n", run.label);
  const auto row = [&out](const char* name, const std::string& text) {
    out += fmt::format("  {:<12}{}\n", name, text);
  };
  row("exit", run.reason.empty() ? std::to_string(t.exit_code) : run.reason);
  row("wall", time_text(run.wall_s));
  row("CPU",
      fmt::format("{} (user {}, system {}; {:.2f} cores on average; by {})", time_text(run.cpu_s), time_text(t.user_s),
                  time_text(t.system_s), run.wall_s > 0 ? run.cpu_s / run.wall_s : 0.0, t.counted_by));
  row("memory", fmt::format("{} resident at most", si(static_cast<double>(run.rss_peak_B), "B")));
  row("bytes", fmt::format("{} read, {} written", si(static_cast<double>(run.read_B), "B"),
                           si(static_cast<double>(run.written_B), "B")));
  row("processes", fmt::format("{} seen, {} threads at most", t.processes_seen, t.threads_peak));
  for (const EnergyFigure& e : run.energy) {
    if (!e.known || e.share != "process-tree") continue;
    row("energy",
        fmt::format("{} {} [{}{}, {}]", joules(e), e.rule, e.sensor, e.tier.empty() ? "" : " " + e.tier, e.boundary));
  }
  for (const std::string& w : run.warnings) out += "  warning: " + w + "\n";
  if (!output.empty()) out += "  record: " + output + "\n";
  return out;
}

}  // namespace haywatt::cli
