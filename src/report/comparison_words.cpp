#include "report/comparison_words.hpp"

#include <fmt/format.h>

#include <cmath>

#include "report/text.hpp"

namespace haywatt::report {
namespace {

std::string percent(double share) {
  const double value = 100.0 * std::fabs(share);
  return (value < 1e4 ? fmt::format("{:.3g}", value) : digits(value)) + " %";
}

std::string range_words(const ComparedMetric& m) {
  const std::string range = interval(m.ratio);
  return range.empty() ? range : fmt::format(" ({:g} %: {})", 100.0 * m.ratio.level, range);
}

/// Whether B keeps to the limit, as far as the interval tells.
std::string limit_words(const ComparisonRecord& r, const ComparedMetric& m) {
  if (r.worse) return "it surely needs more than that";
  return m.known && m.ratio.high < 1.0 + *r.fail_if_worse ? "it surely does not need more than that"
                                                          : "whether it needs more than that cannot be told";
}

std::string cannot_tell(const ComparedMetric& m) {
  std::string text = fmt::format("It cannot be told whether B needs less {} than A: B/A is {}{}", short_metric_name(m),
                                 digits(m.ratio.value), range_words(m));
  text += fmt::format("; the probability that B needs less is {}.", probability(m.p_b_less));
  if (m.more_pairs)
    text += fmt::format(" If the difference is the one seen, about {} more pair{} would tell.", count(*m.more_pairs),
                        *m.more_pairs == 1 ? "" : "s");
  if (m.detectable > 0.0)
    text += fmt::format(" Four of five such comparisons would have told a difference of {}.", percent(m.detectable));
  return text;
}

std::string sentence_on_pairs(const ComparisonRecord& r) {
  if (!r.paired)
    return "Stored runs, not in pairs: what changed on the machine between them is in the interval only as scatter.";
  std::string text = fmt::format("{} pair{} of A and B, the order drawn", r.pairs, r.pairs == 1 ? "" : "s");
  if (r.warm_up > 0)
    text += fmt::format(", after {} run{} of each that {} not counted", r.warm_up, r.warm_up == 1 ? "" : "s",
                        r.warm_up == 1 ? "is" : "are");
  text += fmt::format("; {} in all", duration(r.elapsed_s));
  if (!r.stopped_by.empty()) text += ", ended by: " + r.stopped_by;
  if (r.precision) text += fmt::format(" (wanted: ± {})", percent(*r.precision));
  return text + ".";
}

}  // namespace

std::string probability(double p) {
  if (p > 0.9995) return "more than 0.999";
  if (p < 0.0005) return "less than 0.001";
  return digits(p);
}

std::string short_metric_name(const ComparedMetric& m) {
  if (m.name == "time") return "wall time";
  if (m.name == "cpu") return "CPU time";
  if (m.name == "memory") return "peak memory";
  return m.name;
}

std::string metric_name(const ComparedMetric& m) {
  std::string name = short_metric_name(m);
  if (m.sensor.empty()) return name;
  name += " (" + m.sensor + (m.tier.empty() ? "" : " " + m.tier) + ", " + m.boundary;
  return name + (m.rule.empty() ? ")" : ", " + m.rule + ")");
}

std::string metric_sentence(const ComparedMetric& m) {
  const std::string name = short_metric_name(m);
  if (!m.known)
    return fmt::format("The ratio of {} is unknown{}.", metric_name(m), m.note.empty() ? "" : ": " + m.note);
  if (m.verdict == "equal") return fmt::format("A and B need exactly the same {}.", name);
  if (m.verdict == "cannot tell") return cannot_tell(m);
  return fmt::format("B needs {} times A’s {}{}: {} {}. The probability that B needs less is {}.",
                     digits(m.ratio.value), name, range_words(m), percent(m.ratio.value - 1.0),
                     m.ratio.value < 1.0 ? "less" : "more", probability(m.p_b_less));
}

std::vector<std::pair<std::string, std::vector<std::string>>> comparison_headline(const ComparisonRecord& r) {
  std::vector<std::pair<std::string, std::vector<std::string>>> all;
  if (r.deciding < r.metrics.size()) {
    const ComparedMetric& m = r.metrics[r.deciding];
    std::vector<std::string> verdict = {metric_sentence(m)};
    if (m.sensor == "estimate") verdict.emplace_back("The energy is an estimate from CPU time, not a measurement.");
    all.emplace_back("Verdict", std::move(verdict));
    if (r.fail_if_worse)
      all.emplace_back(
          "Limit", std::vector<std::string>{fmt::format("B may need up to {} more {}: {}.", percent(*r.fail_if_worse),
                                                        short_metric_name(m), limit_words(r, m))});
  } else {
    all.emplace_back("Verdict", std::vector<std::string>{"Nothing was compared: there is no whole pair."});
  }
  if (!r.cause.empty())
    all.emplace_back("Cause", std::vector<std::string>{"Most of the difference lies in phase " + r.cause + "."});
  std::vector<std::string> others;
  for (std::size_t i = 0; i < r.metrics.size(); ++i)
    if (i != r.deciding) others.push_back(metric_sentence(r.metrics[i]));
  if (!others.empty()) all.emplace_back("Beside it", std::move(others));
  all.emplace_back("Runs", std::vector<std::string>{sentence_on_pairs(r)});
  return all;
}

double metric_value(const ComparedMetric& m, const RunRecord& run) {
  if (m.name == "time") return run.wall_s;
  if (m.name == "cpu") return run.cpu_s;
  if (m.name == "memory") return static_cast<double>(run.rss_peak_B);
  for (const EnergyFigure& e : run.energy)
    if (e.known && e.sensor == m.sensor && e.boundary == m.boundary && e.rule == m.rule && e.share == "process-tree")
      return e.joules.value;
  return std::nan("");
}

}  // namespace haywatt::report
