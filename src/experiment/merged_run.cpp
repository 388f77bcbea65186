#include "experiment/merged_run.hpp"

#include <algorithm>

namespace haywatt::experiment {
namespace {

constexpr std::size_t most_kept = 2'000;

std::string phase_name(const std::string& name, const std::string& phase, const std::string& step) {
  if (name == "other" || name == step || name == phase) return phase;
  for (const std::string& word : {step, phase})
    if (name.starts_with(word + "/")) return phase + name.substr(word.size());
  return phase + "/" + name;
}

bool same_quantity(const EnergyFigure& a, const EnergyFigure& b) {
  return a.sensor == b.sensor && a.boundary == b.boundary && a.share == b.share && a.rule == b.rule && a.tier == b.tier;
}

/// Figures of a program that another part of the run does not have make the sum unknown: half a sum would pass for one.
void add_energy(std::vector<EnergyFigure>& all, const std::vector<EnergyFigure>& more, bool first) {
  for (const EnergyFigure& m : more) {
    const auto at = std::find_if(all.begin(), all.end(), [&](const EnergyFigure& a) { return same_quantity(a, m); });
    if (at == all.end()) {
      all.push_back(m);
      if (!first && m.known) {
        all.back().known = false;
        all.back().note = "not known of every command of the run";
      }
    } else if (!at->known || !m.known) {
      if (at->known) at->note = m.note;
      at->known = false;
    } else {
      at->joules = sum(at->joules, m.joules);
    }
  }
  if (first) return;
  for (EnergyFigure& a : all)
    if (a.known && std::none_of(more.begin(), more.end(), [&](const EnergyFigure& m) { return same_quantity(a, m); })) {
      a.known = false;
      a.note = "not known of every command of the run";
    }
}

void add_phase(RunRecord& run, const PhaseRecord& p, const std::string& name) {
  const auto at =
      std::find_if(run.phases.begin(), run.phases.end(), [&](const PhaseRecord& q) { return q.name == name; });
  if (at == run.phases.end()) {
    run.phases.push_back(p);
    run.phases.back().name = name;
    return;
  }
  at->wall_s += p.wall_s;
  at->cpu_s += p.cpu_s;
  add_energy(at->energy, p.energy, false);
}

void add_power(RunRecord& run, const RunRecord& program) {
  for (const PowerSeries& p : program.power) {
    const auto at = std::find_if(run.power.begin(), run.power.end(), [&](const PowerSeries& q) {
      return q.sensor == p.sensor && q.boundary == p.boundary && q.tier == p.tier && q.share == p.share &&
             q.rule == p.rule;
    });
    std::vector<double> t_s = p.t_s;
    for (double& t : t_s) t += run.wall_s;
    if (at == run.power.end()) {
      run.power.push_back(p);
      run.power.back().t_s = t_s;
    } else if (at->watts.size() + p.watts.size() <= most_kept && !t_s.empty()) {
      // One series: its last moment is the next one's first.
      const auto from = at->t_s.empty() ? t_s.begin() : t_s.begin() + 1;
      at->t_s.insert(at->t_s.end(), from, t_s.end());
      at->watts.insert(at->watts.end(), p.watts.begin(), p.watts.end());
    }
  }
}

}  // namespace

void append_program(RunRecord& run, const RunRecord& program, const std::string& phase, const std::string& step) {
  const bool first = run.phases.empty();
  for (const PhaseRecord& p : program.phases) add_phase(run, p, phase_name(p.name, phase, step));
  for (SpanRecord s : program.spans) {
    if (run.spans.size() >= most_kept) break;
    s.phase = phase_name(s.phase, phase, step);
    s.start_s += run.wall_s;
    s.end_s += run.wall_s;
    run.spans.push_back(std::move(s));
  }
  add_power(run, program);
  for (SampleRecord s : program.samples) {
    if (run.samples.size() >= most_kept) break;
    s.t_s += run.wall_s;
    s.cpu_s += run.cpu_s;
    s.read_B += run.read_B;
    s.written_B += run.written_B;
    run.samples.push_back(s);
  }
  add_energy(run.energy, program.energy, first);
  run.wall_s += program.wall_s;
  run.cpu_s += program.cpu_s;
  run.rss_peak_B = std::max(run.rss_peak_B, program.rss_peak_B);
  run.read_B += program.read_B;
  run.written_B += program.written_B;
  run.sampler_cpu_s += program.sampler_cpu_s;
  for (const std::string& w : program.warnings)
    if (std::find(run.warnings.begin(), run.warnings.end(), w) == run.warnings.end()) run.warnings.push_back(w);
}

}  // namespace haywatt::experiment
