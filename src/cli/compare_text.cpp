#include "cli/compare_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "haywatt/base/text.hpp"

namespace haywatt::cli {
namespace {

/// How a metric is spoken of.
struct Words {
  const char* noun;   ///< "B uses 0.71 times the … of A"
  const char* verb;   ///< "uses", "takes"
  const char* less;   ///< P(B …)
  const char* which;  ///< "cannot tell which …"
};

Words words_of(const ComparedMetric& m) {
  if (m.name == "energy") return {"energy", "uses", "cheaper", "uses less energy"};
  if (m.name == "cpu") return {"CPU time", "uses", "cheaper", "uses less CPU time"};
  if (m.name == "time") return {"wall time", "takes", "faster", "takes less time"};
  return {"peak memory", "needs", "smaller", "needs less memory"};
}

/// Decimals that show the width of the interval with one or two digits.
int decimals_for(const Figure& ratio) {
  const double half = 0.5 * (ratio.high - ratio.low);
  if (!(half > 0.0) || !std::isfinite(half)) return 3;
  return std::clamp(static_cast<int>(std::ceil(0.5 - std::log10(half))), ratio.value >= 100.0 ? 0 : 2, 4);
}

std::string number(double x, int decimals) {
  return std::isfinite(x) ? fmt::format("{:.{}f}", x, decimals) : x > 0 ? "any" : "?";
}

std::string range_text(const Figure& ratio) {
  if (!std::isfinite(ratio.high)) return "not known";
  const int d = decimals_for(ratio);
  return ratio.low == ratio.high ? "exact" : number(ratio.low, d) + " to " + number(ratio.high, d);
}

std::string ratio_text(const Figure& ratio) { return number(ratio.value, decimals_for(ratio)); }

std::string probability_text(double p) {
  if (p > 0.999) return "> 0.999";
  if (p < 0.001) return "< 0.001";
  return fmt::format("{:.3f}", p);
}

std::string equals_probability(double p) { return (p > 0.999 || p < 0.001 ? "" : "= ") + probability_text(p); }

std::string per_cent(double share) { return fmt::format("{:.{}f} %", 100.0 * share, share < 0.0995 ? 1 : 0); }

std::string seconds_text(double s) {
  const auto whole = static_cast<long>(std::lround(s));
  if (s < 100.0) return si(s, "s");
  return whole < 3600 ? fmt::format("{} min {} s", whole / 60, whole % 60)
                      : fmt::format("{} h {} min", whole / 3600, whole / 60 % 60);
}

std::string what_would_tell(const ComparedMetric& m) {
  std::string text;
  if (std::isfinite(m.detectable))
    text += fmt::format("A difference of {} would have been told four times out of five.", per_cent(m.detectable));
  if (m.more_pairs && *m.more_pairs <= 2000)
    text +=
        fmt::format(" If the true ratio is {}, about {} more pairs would tell.", ratio_text(m.ratio), *m.more_pairs);
  return text;
}

std::string headline(const ComparisonRecord& r) {
  const ComparedMetric& m = r.decider();
  const Words w = words_of(m);
  if (!m.known) return fmt::format("Cannot tell: {}\n", m.note);
  if (m.verdict == "equal") return fmt::format("A and B need exactly the same {}.\n", w.noun);
  const std::string figures =
      fmt::format("(95 %: {}), P(B {}) {}", range_text(m.ratio), w.less, equals_probability(m.p_b_less));
  if (m.verdict != "cannot tell")
    return fmt::format("B {} {} times the {} of A {}\n", w.verb, ratio_text(m.ratio), w.noun, figures);
  std::string text = fmt::format("Cannot tell which {}: B/A = {} {}\n", w.which, ratio_text(m.ratio), figures);
  const std::string more = what_would_tell(m);
  return more.empty() ? text : text + more + "\n";
}

std::string row_name(const ComparedMetric& m) {
  if (m.name == "cpu") return "CPU time";
  if (m.name == "time") return "wall time";
  if (m.name == "memory") return "peak memory";
  return fmt::format("energy, {}, {}{}", m.boundary, m.rule, m.sensor == "estimate" ? " (estimated)" : "");
}

using Row = std::array<std::string, 7>;

Row row_of(const ComparedMetric& m) {
  if (!m.known) return {row_name(m), "", "", "", "", "", "unknown"};
  return {row_name(m),
          si(m.a_median, m.unit),
          si(m.b_median, m.unit),
          ratio_text(m.ratio),
          range_text(m.ratio),
          m.verdict == "equal" ? "" : probability_text(m.p_b_less),
          m.verdict};
}

/// Columns that count as one each, however many bytes a character has.
std::size_t columns(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string padded(const std::string& text, std::size_t width, bool left) {
  const std::string blanks(width - std::min(width, columns(text)), ' ');
  return left ? text + blanks : blanks + text;
}

std::string table(const std::vector<Row>& rows) {
  std::array<std::size_t, 7> widths{};
  for (const Row& row : rows)
    for (std::size_t c = 0; c < row.size(); ++c) widths.at(c) = std::max(widths.at(c), columns(row.at(c)));
  std::string text;
  for (const Row& row : rows) {
    std::string line = "  ";
    for (std::size_t c = 0; c < row.size(); ++c) {
      const bool left = c == 0 || c == 6;
      line += (c == 0 ? "" : "  ") + padded(row.at(c), widths.at(c), left);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

/// The deciding row first, marked; then the others.
std::string metrics_table(const ComparisonRecord& r) {
  std::vector<Row> rows = {{"", "A median", "B median", "B/A", "95 %", "P(B less)", "verdict"}};
  rows.push_back(row_of(r.decider()));
  for (std::size_t i = 0; i < r.metrics.size(); ++i)
    if (i != r.deciding) rows.push_back(row_of(r.metrics[i]));
  return table(rows);
}

std::string signed_value(double x, const std::string& unit) { return (x < 0.0 ? "−" : "+") + si(std::fabs(x), unit); }

std::string difference_text(const Figure& d) {
  if (!std::isfinite(d.high)) return signed_value(d.value, d.unit);
  return fmt::format("{} ({} to {})", signed_value(d.value, d.unit), signed_value(d.low, d.unit),
                     signed_value(d.high, d.unit));
}

std::string phases_text(const ComparisonRecord& r) {
  const ComparedMetric& m = r.decider();
  if (m.name == "memory" || !m.known) return {};
  if (r.phases.empty())
    return "phases: none are marked, so what causes a difference is not known (docs/phases.md shows how to mark "
           "them)\n";
  std::string text;
  const std::string noun = words_of(m).noun;
  if (!r.cause.empty()) {
    const auto cause =
        std::find_if(r.phases.begin(), r.phases.end(), [&](const ComparedPhase& p) { return p.name == r.cause; });
    text = fmt::format("phase that caused it: {} ({} of {})\n", r.cause, signed_value(cause->difference.value, m.unit),
                       signed_value(r.total->difference.value, m.unit));
  } else {
    text = "phase that caused it: none stands out\n";
  }
  std::vector<ComparedPhase> by_size = r.phases;
  std::stable_sort(by_size.begin(), by_size.end(), [](const ComparedPhase& x, const ComparedPhase& y) {
    return std::fabs(x.difference.value) > std::fabs(y.difference.value);
  });
  std::vector<Row> rows = {{noun + " by phase", "A median", "B median", "B−A", "", "", ""}};
  for (const ComparedPhase& p : by_size)
    rows.push_back({p.name, si(p.a_median, m.unit), si(p.b_median, m.unit), difference_text(p.difference), "", "",
                    p.told ? "" : "cannot tell"});
  return text + table(rows);
}

std::string command_line(const char* side, const ComparedSide& s) {
  if (s.files.empty()) return fmt::format("{}: {}\n", side, s.command);
  return fmt::format("{}: {} stored run{} of {}\n", side, s.files.size(), s.files.size() == 1 ? "" : "s", s.command);
}

std::string sensor_text(const ComparisonRecord& r) {
  std::string sensors;
  bool estimated = false;
  for (const ComparedMetric& m : r.metrics) {
    if (m.name != "energy") continue;
    estimated = estimated || m.sensor == "estimate";
    const std::string one = fmt::format("{}{} ({})", m.sensor, m.tier.empty() ? "" : ", tier " + m.tier, m.boundary);
    if (sensors.find(one) == std::string::npos) sensors += (sensors.empty() ? "" : ", ") + one;
  }
  if (sensors.empty()) return "energy: not known here\n";
  std::string text = "energy from: " + sensors + "\n";
  if (estimated)
    text +=
        "  an estimate is CPU time (and, where idle power is shared out, wall time) in other units: it cannot rank A\n"
        "  and B otherwise. Two programs may draw different power at the same load: its intervals are wider for that\n";
  return text;
}

std::string why_ended(const ComparisonRecord& r) {
  if (r.stopped_by == "precision") return fmt::format("ended when ±{} was reached", per_cent(*r.precision));
  if (r.stopped_by == "budget") return "ended by the time budget";
  if (r.stopped_by == "interrupted") return "interrupted";
  if (r.stopped_by == "most pairs") return "ended at the most pairs";
  return "as many as asked";
}

std::string design_text(const ComparisonRecord& r) {
  const std::string decided = fmt::format("decided on: {} ({})\n", row_name(r.decider()), r.deciding_reason);
  if (!r.paired) return "runs: stored, not made in pairs; intervals from the scatter within each side\n" + decided;
  return fmt::format("runs: {} pairs, order drawn (seed {}), {} warm-up of each not counted, {}; {}\n", r.pairs, r.seed,
                     r.warm_up, seconds_text(r.elapsed_s), why_ended(r)) +
         decided;
}

std::string precision_note(const ComparisonRecord& r) {
  const ComparedMetric& m = r.decider();
  if (!r.precision || !m.known) return {};
  if (r.stopped_by == "precision" && m.shared_not > *r.precision) {
    return fmt::format("note: ±{} of the interval come from what more pairs do not reduce\n", per_cent(m.shared_not));
  }
  const double reached = std::sqrt(m.ratio.high / m.ratio.low) - 1.0;
  if (r.stopped_by == "precision" || !(reached > *r.precision)) return {};
  if (!std::isfinite(reached)) return "note: too few pairs for an interval; give a larger --budget\n";
  return fmt::format("note: ±{} reached, ±{} wanted: a larger --budget narrows it\n", per_cent(reached),
                     per_cent(*r.precision));
}

}  // namespace

std::string check_text(const ComparisonRecord& r) {
  const ComparedMetric& m = r.decider();
  const std::string allowed = per_cent(*r.fail_if_worse), noun = words_of(m).noun;
  if (!m.known) return "check: cannot tell whether B is worse\n";
  if (r.worse)
    return fmt::format("check: B is worse: {} times the {} of A (95 %: {}), more than {} above it\n",
                       ratio_text(m.ratio), noun, range_text(m.ratio), allowed);
  if (m.ratio.high <= 1.0 + *r.fail_if_worse)
    return fmt::format("check: passed: B needs at most {} more {} than A\n", allowed, noun);
  if (!std::isfinite(m.ratio.high)) return "check: not shown to be worse, nor that it is not: too few runs\n";
  return fmt::format("check: not shown to be worse by more than {}; up to {} more {} is not excluded\n", allowed,
                     per_cent(m.ratio.high - 1.0), noun);
}

std::string comparison_text(const ComparisonRecord& r) {
  std::string text =
      headline(r) + "\n" + command_line("A", r.a) + command_line("B", r.b) + "\n" + metrics_table(r) + "\n";
  text += phases_text(r) + sensor_text(r) + design_text(r) + precision_note(r);
  for (const ComparedMetric& m : r.metrics)
    if (!m.note.empty()) text += fmt::format("note: {}: {}\n", row_name(m), m.note);
  for (const std::string& note : r.notes) text += "note: " + note + "\n";
  if (r.fail_if_worse) text += check_text(r);
  return text;
}

}  // namespace haywatt::cli
