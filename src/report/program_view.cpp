#include "report/program_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "haywatt/metrics/carbon.hpp"
#include "report/run_series.hpp"
#include "report/text.hpp"

namespace haywatt::report {
namespace {

const EnergyFigure* phase_energy(const std::vector<EnergyFigure>& energy, const metrics::EnergyBasis& basis,
                                 const std::string& rule) {
  for (const EnergyFigure& e : energy)
    if (e.known && e.sensor == basis.sensor && e.boundary == basis.boundary && e.rule == rule && e.share == "phase")
      return &e;
  return nullptr;
}

std::vector<std::string> names_of_phases(const RunRecord& run) {
  std::vector<std::string> names;
  bool other = false;
  for (const PhaseRecord& p : run.phases) {
    const std::string name = top_level(p.name);
    other = other || name == "other";
    if (name != "other" && std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  if (other) names.emplace_back("other");
  return names;
}

std::string of_what(const metrics::EnergyBasis& basis) {
  if (basis.estimated)
    return fmt::format("It is an estimate (tier {}) of the power at the {}, not a measurement: CPU time in other units",
                       basis.tier, basis.boundary);
  return fmt::format("Measured by {} (boundary: {})", basis.sensor, basis.boundary);
}

std::vector<std::string> energy_sentences(const ProgramView& v) {
  if (!v.attributed) {
    const std::string why = v.basis.note.empty() ? "the record has no energy figure" : v.basis.note;
    return {"Energy is unknown: " + why + ". Unknown is not zero."};
  }
  std::vector<std::string> out;
  std::string first = fmt::format("“{}” used {}, attributed: with its part of the machine’s idle power", title_of(v),
                                  with_level(*v.attributed));
  if (v.run.wall_s > 0.0) first += fmt::format("; {} in the mean", quantity(v.attributed->value / v.run.wall_s, "W"));
  out.push_back(first + ".");
  if (v.marginal)
    out.push_back(fmt::format("Marginal, what not running it would have saved: {}.", with_level(*v.marginal)));
  out.push_back(of_what(v.basis) + ".");
  std::vector<std::string> beside;
  for (const EnergyFigure& e : v.run.energy)
    if (e.known && e.rule == "attributed" && e.share == "process-tree" &&
        (e.sensor != v.basis.sensor || e.boundary != v.basis.boundary))
      beside.push_back(fmt::format("{} by {} ({})", with_level(e.joules), e.sensor, e.boundary));
  if (!beside.empty()) out.push_back("Beside it, never added to it: " + join_words(beside) + ".");
  return out;
}

std::string time_sentence(const ProgramView& v) {
  const RunRecord& run = v.run;
  std::string text =
      fmt::format("{} of wall time, {} of CPU time", quantity(run.wall_s, "s"), quantity(run.cpu_s, "s"));
  if (run.wall_s > 0.0) text += fmt::format(": {} CPUs in the mean", digits(run.cpu_s / run.wall_s));
  const double allowed = v.record.machine.cpu_quota;
  if (allowed > 0.0) text += fmt::format(" of {:g} allowed", allowed);
  if (run.tree)
    text += fmt::format("; {} in user code, {} in the kernel", quantity(run.tree->user_s, "s"),
                        quantity(run.tree->system_s, "s"));
  return text + ".";
}

std::string memory_sentence(const RunRecord& run) {
  if (run.rss_peak_B == 0) return "The peak of memory is unknown.";
  std::string text = fmt::format("At most {} resident", quantity(static_cast<double>(run.rss_peak_B), "B"));
  if (run.tree && run.tree->pss_peak_B > 0)
    text += fmt::format("; proportional memory (PSS), seen more rarely, at most {}",
                        quantity(static_cast<double>(run.tree->pss_peak_B), "B"));
  return text + fmt::format(". It moved {} in by read calls and {} out by write calls.",
                            quantity(static_cast<double>(run.read_B), "B"),
                            quantity(static_cast<double>(run.written_B), "B"));
}

/// The phase that takes most, if the program marked any.
std::string phase_sentence(const ProgramView& v) {
  const PhaseRecord* most = nullptr;
  double largest = -1.0;
  bool marked = false;
  for (const PhaseRecord& p : v.run.phases) {
    marked = marked || p.name != "other";
    const auto figure = phase_figure(p, v.basis, "attributed");
    const double size = v.attributed ? (figure ? figure->value : 0.0) : p.wall_s;
    if (size > largest) largest = size, most = &p;
  }
  if (!marked || most == nullptr) return {};
  const std::string name = most->name == "other" ? "Time outside the marked phases" : "Phase " + most->name;
  const auto figure = phase_figure(*most, v.basis, "attributed");
  if (v.attributed && figure && v.attributed->value > 0.0)
    return fmt::format("{} takes most: {}, {} % of the energy, in {}.", name, with_level(*figure),
                       digits(100.0 * figure->value / v.attributed->value), quantity(most->wall_s, "s"));
  if (!(v.run.wall_s > 0.0)) return {};
  return fmt::format("{} takes most: {}, {} % of the time.", name, quantity(most->wall_s, "s"),
                     digits(100.0 * most->wall_s / v.run.wall_s));
}

std::string carbon_sentence(const ProgramView& v) {
  if (!v.grams) return {};
  const bool world = v.carbon.grid.iso3.empty() && v.carbon.grid.intensity.kind == CorrelationKind::Grid &&
                     v.carbon.grid.intensity.key == metrics::grid_intensity().key;
  const std::string grid = !v.carbon.grid.name.empty() ? v.carbon.grid.name
                           : world                     ? "the world’s average grid"
                                                       : "the grid as given";
  return fmt::format("{} operational ({}, PUE {}){}.", with_level(*v.grams), grid, digits(v.carbon.pue.value),
                     world ? "; name your own with --country" : "");
}

}  // namespace

ProgramView::ProgramView(const ProgramRecord& program, const CarbonBasis& carbon_basis)
    : record(program),
      run(program.run),
      carbon(carbon_basis),
      basis(metrics::choose_energy_basis(program.run)),
      phase_names(names_of_phases(program.run)) {
  if (basis.known) {
    marginal = metrics::run_energy(run, basis, "marginal");
    attributed = metrics::run_energy(run, basis, "attributed");
  }
  if (attributed) grams = metrics::operational_carbon_of_run(*attributed, carbon.pue, carbon.grid.intensity);
  command = run.tree && !run.tree->command.empty() ? shell_line(run.tree->command) : run.label;
}

std::string one_line(const std::string& text, std::size_t most) {
  std::string line;
  for (const char c : text) {
    const bool space = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    if (!space)
      line += c;
    else if (!line.empty() && line.back() != ' ')
      line += ' ';
  }
  if (line.ends_with(' ')) line.pop_back();
  if (line.size() <= most) return line;
  while (most > 0 && (static_cast<unsigned char>(line[most]) & 0xC0U) == 0x80U) --most;  // not within a character
  return line.substr(0, most) + "…";
}

std::string title_of(const ProgramView& v) {
  constexpr std::size_t longest = 90;
  return one_line(v.run.label.empty() ? v.command : v.run.label, longest);
}

std::string with_level(const Figure& f) {
  const std::string range = interval(f);
  if (range.empty()) return quantity(f.value, f.unit);
  return fmt::format("{} ({:g} %: {})", quantity(f.value, f.unit), 100.0 * f.level, range);
}

std::optional<Figure> phase_figure(const PhaseRecord& phase, const metrics::EnergyBasis& basis,
                                   const std::string& rule) {
  const EnergyFigure* e = phase_energy(phase.energy, basis, rule);
  if (e == nullptr) return std::nullopt;
  return e->joules;
}

Headline headline(const ProgramView& v) {
  Headline all;
  const auto add = [&](const char* term, std::vector<std::string> sentences) {
    std::erase_if(sentences, [](const std::string& s) { return s.empty(); });
    if (!sentences.empty()) all.emplace_back(term, std::move(sentences));
  };
  if (v.run.status != "ok" || (v.run.tree && v.run.tree->exit_code != 0))
    add("Outcome", {fmt::format("The program did not succeed: {}. The figures are of what ran.", ending(v.run))});
  add("Energy", energy_sentences(v));
  add("Phases", {phase_sentence(v)});
  add("Time", {time_sentence(v)});
  add("Memory", {memory_sentence(v.run)});
  add("Carbon", {carbon_sentence(v)});
  return all;
}

std::string ending(const RunRecord& run) {
  if (run.status != "ok" && !run.reason.empty()) return run.reason;
  if (!run.tree) return run.status;
  if (run.tree->signal != 0) return fmt::format("ended by signal {}", run.tree->signal);
  return fmt::format("exit code {}", run.tree->exit_code);
}

std::string subject_line(const ProgramView& v) {
  const Machine& m = v.record.machine;
  std::string text = v.run.tree ? ending(v.run) : std::string();
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : " · ") + part; };
  if (!m.cpu_name.empty()) add("on " + m.cpu_name);
  if (m.logical_cpus > 0) add(fmt::format("{} CPUs", m.logical_cpus));
  if (m.virtual_machine) add("virtual machine");
  return text;
}

std::vector<std::string> rule_formulas(const metrics::EnergyBasis& basis) {
  if (basis.estimated && basis.tier == "VM")
    return {
        "marginal = t·w_busy", "attributed = n·T·w_idle + t·w_busy",
        "t: CPU seconds of the program; T: wall seconds; n: hardware threads of this guest (or of its quota); w_idle, "
        "w_busy: watts a hardware thread of published servers of its kind, at the wall."};
  if (basis.estimated)
    return {"marginal = (E − P_idle·T)·t/t_all",
            "attributed = marginal + P_idle·T·a, a = CPUs allotted / CPUs present, else t/t_all",
            "E: P(u) = idle + (full − idle)·s(u) over the run, from published servers; u: busy share of all CPUs; t, "
            "t_all: "
            "CPU seconds of the program and of the machine; T: wall seconds."};
  return {
      "marginal = (E − P_idle·Δ)·t/t_all",
      "attributed = marginal + P_idle·Δ·a, a = CPUs allotted / CPUs present, else t/t_all",
      "Over each interval Δ between readings: E: energy by the sensor; P_idle: idle power of the machine; t, t_all: "
      "CPU "
      "seconds of the program and of the machine. A device that knows who used it (a GPU) is shared out by its use."};
}

std::vector<UncertaintyPart> uncertainty_parts(const Figure& figure) {
  std::vector<UncertaintyPart> parts;
  double total = 0.0;
  const auto variance = [&](const Component& c) {
    const double u = c.u_abs + c.u_rel * figure.value;
    return u * u;
  };
  for (const Component& c : figure.components) total += variance(c);
  for (const Component& c : figure.components) {
    UncertaintyPart part;
    part.component = c;
    part.share = total > 0.0 ? variance(c) / total : 0.0;
    part.alone = c.u_rel != 0.0 ? "×/÷ " + digits(std::exp(1.96 * std::fabs(c.u_rel)))
                                : "± " + quantity(1.96 * std::fabs(c.u_abs), figure.unit);
    if (c.correlation.id.empty()) {
      part.common = "nothing";
    } else {
      switch (c.correlation.kind) {
        case CorrelationKind::Run:
          part.common = "figures of this run";
          break;
        case CorrelationKind::Sensor:
          part.common = "what this sensor reads";
          break;
        case CorrelationKind::Machine:
          part.common = "runs on this machine";
          break;
        case CorrelationKind::Model:
          part.common = "estimates by this model";
          break;
        case CorrelationKind::Grid:
          part.common = "figures with this grid";
          break;
        case CorrelationKind::Pue:
          part.common = "figures with this PUE";
          break;
      }
    }
    parts.push_back(std::move(part));
  }
  std::stable_sort(parts.begin(), parts.end(),
                   [](const UncertaintyPart& a, const UncertaintyPart& b) { return a.share > b.share; });
  return parts;
}

std::string shell_line(const std::vector<std::string>& words) {
  constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=:,./@%";
  std::string line;
  for (const std::string& word : words) {
    if (!line.empty()) line += ' ';
    if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) {
      line += word;
      continue;
    }
    line += '\'';
    for (const char c : word) line += c == '\'' ? std::string("'\\''") : std::string(1, c);
    line += '\'';
  }
  return line;
}

}  // namespace haywatt::report
