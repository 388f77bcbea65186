// The list of improvements that a ladder is worth to the maintainers of its program.
#include <fmt/format.h>

#include <algorithm>

#include "haywatt/report/report.hpp"
#include "report/ladder_view.hpp"
#include "report/ladder_words.hpp"
#include "report/text.hpp"

namespace haywatt::report {
namespace {

std::string md(const std::string& text) { return escape_markdown(text); }

std::string sentence(std::string note) {
  if (!note.empty() && note.front() >= 'a' && note.front() <= 'z') note.front() = static_cast<char>(note.front() - 32);
  return note + ".";
}

std::string percent(double share) { return fmt::format("{:.0f} %", 100.0 * share); }

/// Largest saving first; what was not measured last.
std::vector<LadderGain> ranked(const LadderRecord& record, std::uint64_t rows, bool parallel) {
  std::vector<LadderGain> all;
  for (const LadderRung& r : record.rungs)
    if (!r.measured_only && r.parallel == parallel) all.push_back(gain_of(record, r, rows));
  std::stable_sort(all.begin(), all.end(), [](const LadderGain& a, const LadderGain& b) {
    if (a.measured != b.measured) return a.measured;
    return a.share > b.share;
  });
  return all;
}

bool has_figures(const LadderRecord& record, const LadderRung& r) {
  return std::any_of(record.steps.begin(), record.steps.end(), [&](const LadderStep& s) { return s.rung == r.id; });
}

std::string steps_table(const LadderRecord& record, const LadderRung& r) {
  std::string text =
      "| phase | rows | pairs | wall before | wall after | time | CPU time | work | energy | peak memory |\n"
      "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n";
  for (const std::string& phase : record.phases)
    for (const std::uint64_t n : record.rows) {
      const LadderRung* before = record.before(r, phase);
      if (before == nullptr || !r.concerns(phase)) continue;
      const LadderStep* s = record.step(r.id, before->id, phase, n);
      const ComparedMetric* t = metric_of(s, "time");
      if (t == nullptr) continue;
      text += fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |\n", md(phase), count(n), s->pairs,
                          quantity(t->a_median, "s"), quantity(t->b_median, "s"), ratio_words(s, "time"),
                          ratio_words(s, "cpu"), ratio_words(s, "work"), ratio_words(s, "energy"),
                          ratio_words(s, "memory"));
    }
  return text;
}

std::string loss_words(const LadderCheck& check, const LadderCheck* before) {
  std::string text;
  for (const auto& [name, value] : check.results) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, digits(value));
    if (before != nullptr && before->results.contains(name))
      text += fmt::format(" (before {})", digits(before->results.at(name)));
  }
  return text;
}

std::string result_lines(const LadderRecord& record, const LadderRung& r) {
  std::string text;
  for (const std::string& phase : record.phases) {
    const LadderCheck* c = r.concerns(phase) ? record.check(r.id, phase) : nullptr;
    if (c == nullptr || !c->failure.empty()) continue;
    LadderRow row;
    row.rung = &r;
    row.check = c;
    const LadderRung* before = record.before(r, phase);
    const LadderCheck* of_before = before == nullptr ? nullptr : record.check(before->id, phase);
    std::string words = result_words(row);
    if (c->max_error && !c->same_bytes.value_or(false))
      words += fmt::format("; error {} % of the range at most, {} % in the median", digits(100.0 * *c->max_error),
                           digits(100.0 * c->median_error.value_or(0.0)));
    if (of_before != nullptr && of_before->max_error && !c->same_bytes.value_or(false))
      words += fmt::format(" (before {} % and {} %)", digits(100.0 * *of_before->max_error),
                           digits(100.0 * of_before->median_error.value_or(0.0)));
    const std::string said = loss_words(*c, of_before);
    if (!said.empty()) words += (words.empty() ? "" : "; ") + said;
    if (!words.empty()) text += fmt::format("{}{}: {}", text.empty() ? "" : ". ", phase, words);
  }
  return text.empty() ? text : "- **Result.** " + md(text) + ".\n";
}

std::string improvement(const LadderRecord& record, const LadderGain& g, int number, std::uint64_t reference) {
  const LadderRung& r = *g.rung;
  std::string text = fmt::format("### {}. {}\n\n", number, md(r.title));
  if (!r.mechanism.empty()) text += "- **Mechanism.** " + md(r.mechanism) + "\n";
  if (!r.place.empty()) text += "- **Place.** " + md(r.place) + "\n";
  if (!r.effort.empty()) text += "- **Effort.** " + md(r.effort) + ".\n";
  if (!r.risk.empty()) text += "- **Risk.** " + md(r.risk) + ".\n";
  if (!r.stands_in.empty()) text += "- **Stands in.** " + md(r.stands_in) + ".\n";
  if (!r.note.empty()) text += "- **Note.** " + md(r.note) + "\n";
  if (!r.unavailable.empty()) return text + "\nNot run: " + md(r.unavailable) + ".\n\n";
  text += result_lines(record, r);
  if (!has_figures(record, r)) return text + "\nNot measured.\n\n";
  if (g.measured)
    text +=
        fmt::format("- **Saves** at {} rows {} {} ({} of what the first rung takes for the same phases){}.\n",
                    count(reference), quantity(g.seconds, "s"), g.joules != 0.0 ? "and " + quantity(g.joules, "J") : "",
                    percent(g.share), g.told ? "" : "; at this size the interval of no phase excludes 1");
  return text + "\n" + steps_table(record, r) + "\n";
}

std::string summary_line(const LadderRecord& record, const LadderGain& g, int number, std::uint64_t rows) {
  std::string text = fmt::format("| {} | {} ", number, md(g.rung->title));
  for (const std::string& phase : record.phases) {
    const LadderRung* before = record.before(*g.rung, phase);
    const LadderStep* s =
        before == nullptr || !g.rung->concerns(phase) ? nullptr : record.step(g.rung->id, before->id, phase, rows);
    text += "| " + ratio_words(s, "time") + " ";
  }
  if (!g.rung->unavailable.empty()) return text + "| not run |\n";
  return text + fmt::format("| {} |\n", g.measured ? percent(g.share) : "not measured");
}

std::string growth_part(const LadderRecord& record) {
  const auto tables = ladder_growth(record);
  if (tables.empty()) return {};
  std::string text = "## How work grows with rows\n\n" + md(growth_sentence()) + "\n\n";
  for (const GrowthTable& t : tables) {
    text += "**" + md(t.title) + "**\n\n";
    for (const std::string& h : t.head) text += "| " + md(h) + " ";
    text += "|\n|---";
    for (std::size_t i = 1; i < t.head.size(); ++i) text += "|--:";
    text += "|\n";
    for (const auto& row : t.rows) {
      for (const std::string& cell : row) text += "| " + md(cell) + " ";
      text += "|\n";
    }
    text += "\n";
  }
  return text;
}

std::string faults_part(const LadderRecord& record) {
  if (record.faults.empty()) return {};
  std::string text =
      "## Faults of correctness\n\nNot about speed: results that are wrong, or steps that cannot end well.\n\n";
  int number = 0;
  for (const LadderFault& f : record.faults)
    text += fmt::format("{}. **{}.** {}\n   *Place:* {}. *Mend:* {}.\n", ++number, md(f.title), md(f.evidence),
                        md(f.place), md(f.mend));
  return text + "\n";
}

std::string versions_part(const LadderRecord& record) {
  std::string text;
  for (const auto& [name, said] : record.versions) text += fmt::format("- {}: {}\n", md(name), md(said));
  return text;
}

}  // namespace

std::string to_improvements(const LadderRecord& record) {
  const std::uint64_t reference = reference_rows(record);
  const auto serial = ranked(record, reference, false), parallel = ranked(record, reference, true);
  std::string text = fmt::format("# Improvements for {}\n\n", md(record.subject));
  text += "Written by `haywatt ladder --write-improvements`; every figure is measured.\n\n";
  text += md(record.about) + "\n\n";
  text += fmt::format(
      "Each improvement was measured on top of the ones that come before it on the ladder, in runs that lay beside "
      "each "
      "other; a ratio is after ÷ before with its 95 % interval, below 1 it gains. Time, CPU time, energy and peak "
      "memory "
      "are of the whole process; work is wall time without {}. Tables are the first rows of `{}`, larger ones repeat "
      "them. The list is ordered by seconds saved at {} rows, all phases together, as a share of what the first rung "
      "takes for them. What comes later on the ladder finds less left to save.\n\n",
      md(join_words(record.overhead)), record.table, count(reference));
  text += fmt::format("Machine: {}, {} CPUs, {}. ", md(record.machine.cpu_name), record.machine.logical_cpus,
                      md(record.machine.distribution));
  if (const std::string basis = joules_basis(record); !basis.empty()) text += fmt::format("Energy: {}. ", md(basis));
  for (const std::string& note : record.notes) text += md(sentence(note)) + " ";
  text += "\n\n" + versions_part(record) + "\n## In short\n\n";
  for (const auto& [phase, sentence] : ladder_headline(record))
    text += fmt::format("- {}: {}\n", md(phase), md(sentence));
  text += fmt::format("\nTime ÷ time before at {} rows:\n\n| # | improvement ", count(reference));
  for (const std::string& phase : record.phases) text += "| " + md(phase) + " ";
  text += "| saved |\n|--:|---";
  for (std::size_t i = 0; i < record.phases.size(); ++i) text += "|--:";
  text += "|--:|\n";
  int number = 0;
  for (const auto* list : {&serial, &parallel})
    for (const LadderGain& g : *list) text += summary_line(record, g, ++number, reference);
  number = 0;
  text += "\n## Improvements on one core\n\n";
  for (const LadderGain& g : serial) text += improvement(record, g, ++number, reference);
  if (!parallel.empty()) text += "## Parallel improvements\n\n";
  for (const LadderGain& g : parallel) text += improvement(record, g, ++number, reference);
  return text + growth_part(record) + faults_part(record);
}

}  // namespace haywatt::report
