#include "cli/meter_summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

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

std::string bytes_text(std::uint64_t bytes) { return si(static_cast<double>(bytes), "B"); }

/// Clears what is zero but for rounding: a phase that used nothing did not use minus a nanojoule.
std::string joules_text(double joules) { return si(std::fabs(joules) < 5e-10 ? 0.0 : joules, "J"); }

std::string interval_text(const Figure& f) { return fmt::format("{} to {}", joules_text(f.low), joules_text(f.high)); }

bool same_source(const EnergyFigure& a, const EnergyFigure& b) {
  return a.sensor == b.sensor && a.boundary == b.boundary && a.tier == b.tier;
}

std::string source_text(const EnergyFigure& e) {
  return fmt::format("{}{}, {}", e.sensor, e.tier.empty() ? "" : " " + e.tier, e.boundary);
}

const EnergyFigure* find(const std::vector<EnergyFigure>& figures, const EnergyFigure& source, const char* rule) {
  for (const EnergyFigure& e : figures)
    if (same_source(e, source) && e.rule == rule && e.share != "machine") return &e;
  return nullptr;
}

/// Some notes are several statements; each gets its line, once.
void add_notes(const std::string& note, std::vector<std::string>& notes) {
  for (std::string part : split(note, ';')) {
    part.erase(0, std::min(part.find_first_not_of(' '), part.size()));
    if (!part.empty() && std::find(notes.begin(), notes.end(), part) == notes.end()) notes.push_back(part);
  }
}

std::string meaning(const EnergyFigure& e) {
  if (e.share == "machine") return "the whole machine";
  if (e.share == "unattributed") return "not this program's";
  return e.rule == "attributed" ? "with its part of idle" : "what not running it would have saved";
}

std::string energy_of(const std::vector<EnergyFigure>& figures, const EnergyFigure& source) {
  std::string out = fmt::format("\n  energy by {}\n", source_text(source));
  std::vector<std::string> notes;
  for (const EnergyFigure& e : figures) {
    if (!same_source(e, source)) continue;
    const std::string name = e.share == "process-tree" ? e.rule : e.share;
    if (e.known)
      out += fmt::format("    {:<24}{:>10}   {:<24}{}\n", name, joules_text(e.joules.value),
                         "(" + interval_text(e.joules) + ")", meaning(e));
    else
      out += fmt::format("    {:<24}{:>10}   {}\n", name, "unknown", e.note);
    if (e.known) add_notes(e.note, notes);
  }
  for (const std::string& n : notes) out += "    · " + n + "\n";
  return out;
}

std::string phases_of(const RunRecord& run, const EnergyFigure* source) {
  std::size_t width = 5;
  for (const PhaseRecord& p : run.phases) width = std::max(width, std::min<std::size_t>(p.name.size(), 40));
  std::string out = fmt::format("\n  {:<{}}{:>12}{:>12}", "phase", width, "wall", "CPU");
  if (source != nullptr) out += fmt::format("{:>12}{:>12}   {}", "marginal", "attributed", "95 % of attributed");
  out += "\n";
  for (const PhaseRecord& p : run.phases) {
    out += fmt::format("  {:<{}}{:>12}{:>12}", p.name, width, time_text(p.wall_s), time_text(p.cpu_s));
    if (source != nullptr) {
      const EnergyFigure *marginal = find(p.energy, *source, "marginal"),
                         *attributed = find(p.energy, *source, "attributed");
      const auto value = [](const EnergyFigure* e) {
        return e != nullptr && e->known ? joules_text(e->joules.value) : std::string("unknown");
      };
      out += fmt::format("{:>12}{:>12}", value(marginal), value(attributed));
      if (attributed != nullptr)
        out += "   " + (attributed->known ? interval_text(attributed->joules) : attributed->note);
    }
    out += "\n";
  }
  return out;
}

std::string processes_of(const TreeRecord& tree) {
  std::string out =
      fmt::format("\n  {:<16}{:>9}{:>9}{:>11}{:>11}{:>11}\n", "process", "pid", "parent", "start", "CPU", "memory");
  for (const ProcessRecord& p : tree.processes)
    out += fmt::format("  {:<16}{:>9}{:>9}{:>11}{:>11}{:>11}\n", p.name, p.pid, p.parent, time_text(p.start_s),
                       time_text(p.cpu_s), bytes_text(p.rss_peak_B));
  return out;
}

}  // namespace

std::string meter_summary(const RunRecord& run, const std::string& output, bool verbose) {
  const TreeRecord& t = *run.tree;
  std::string out = fmt::format("haywatt: {}\n", run.label);
  const auto row = [&out](const char* name, const std::string& text) {
    out += fmt::format("  {:<11}{}\n", name, text);
  };
  row("exit", run.reason.empty() ? std::to_string(t.exit_code) : run.reason);
  row("wall", time_text(run.wall_s));
  row("CPU", fmt::format("{} (user {}, system {}), {:.2f} cores on average, counted by {}", time_text(run.cpu_s),
                         time_text(t.user_s), time_text(t.system_s), run.wall_s > 0 ? run.cpu_s / run.wall_s : 0.0,
                         t.counted_by));
  row("memory", fmt::format("{} resident at most{}", bytes_text(run.rss_peak_B),
                            t.pss_peak_B > 0 ? ", " + bytes_text(t.pss_peak_B) + " proportional" : ""));
  row("bytes", fmt::format("{} read, {} written", bytes_text(run.read_B), bytes_text(run.written_B)));
  row("processes",
      fmt::format("{} seen, {} threads at most, {} + {} context switches, {} major faults", t.processes_seen,
                  t.threads_peak, t.voluntary_switches, t.involuntary_switches, t.major_faults));
  if (t.steal_s > 0.01 * run.wall_s)
    row("stolen", fmt::format("{} of CPU time by the hypervisor", time_text(t.steal_s)));
  row("metering", fmt::format("{} of CPU, {:.2g} % of the program's", time_text(run.sampler_cpu_s),
                              run.cpu_s > 0.0 ? 100.0 * run.sampler_cpu_s / run.cpu_s : 0.0));

  const EnergyFigure* source = nullptr;
  std::vector<const EnergyFigure*> sources;
  for (const EnergyFigure& e : run.energy) {
    if (source == nullptr && e.known && e.share == "process-tree") source = &e;
    if (std::none_of(sources.begin(), sources.end(), [&](const EnergyFigure* s) { return same_source(*s, e); }))
      sources.push_back(&e);
  }
  for (const EnergyFigure* s : sources) out += energy_of(run.energy, *s);
  if (run.phases.size() > 1 || (!run.phases.empty() && run.phases.front().name != "other"))
    out += phases_of(run, source);
  if (verbose) out += processes_of(t);
  if (!run.warnings.empty() || !output.empty()) out += "\n";
  for (const std::string& w : run.warnings) out += "  warning: " + w + "\n";
  if (!output.empty()) out += "  record: " + output + "\n";
  return out;
}

}  // namespace haywatt::cli
