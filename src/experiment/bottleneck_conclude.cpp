#include "experiment/bottleneck_conclude.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "experiment/bottleneck_rules.hpp"
#include "experiment/bottleneck_words.hpp"
#include "experiment/compare_metrics.hpp"
#include "haywatt/metrics/paired.hpp"

namespace haywatt::experiment {
namespace {

constexpr int resamplings = 400;

using Value = double (*)(const BottleneckRun&);
double wall(const BottleneckRun& r) { return r.wall_s; }
double cpu(const BottleneckRun& r) { return r.cpu_s; }
double energy(const BottleneckRun& r) { return r.energy_J; }

const BottleneckRun* find(const BottleneckRecord& record, const std::string& treatment, int block) {
  for (const BottleneckRun& r : record.runs)
    if (r.block == block && r.treatment == treatment) return &r;
  return nullptr;
}

std::vector<double> log_ratios(const BottleneckRecord& record, const std::string& treated, const std::string& control,
                               Value of) {
  std::vector<double> logs;
  for (int b = 0; b <= record.blocks; ++b) {
    const BottleneckRun* t = find(record, treated, b);
    const BottleneckRun* c = find(record, control, b);
    if (t == nullptr || c == nullptr || !(of(*t) > 0.0) || !(of(*c) > 0.0)) continue;
    if (const double x = std::log(of(*t) / of(*c)); std::isfinite(x)) logs.push_back(x);
  }
  return logs;
}

Figure figure_of(const metrics::Estimate& e, double (*back)(double), const std::string& how) {
  Figure f;
  f.unit = "1";
  f.value = back(e.centre);
  f.low = back(e.low);
  f.high = back(e.high);
  if (f.low > f.high) std::swap(f.low, f.high);
  f.interval = how;
  return f;
}

std::string how(std::size_t n) { return fmt::format("{} block{}, Hodges-Lehmann", n, n == 1 ? "" : "s"); }

Figure ratio_figure(const std::vector<double>& logs) {
  return figure_of(
      metrics::paired_centre(logs), [](double x) { return std::exp(x); }, how(logs.size()));
}

/// What a sensitivity is about and how its ratio of times becomes a share of the time.
struct Plan {
  const char* resource;
  const char* treatment;
  const char* control;
  const char* what;
};

constexpr Plan plans[] = {
    {"CPU time granted", "less CPU", "one CPU",
     "70 % of one CPU by quota (or half by a neighbour on it), against one whole CPU"},
    {"second CPU", "one CPU", "plain", "pinned to one CPU, against all that may be used"},
    {"memory left by a neighbour", "beside stream", "beside compute",
     "a neighbour that reads memory as fast as it can, against one that computes in registers"},
    {"pages of memory", "huge pages", "plain", "malloc asks for huge pages (2 MB), against pages of 4 kB"},
    {"storage", "storage slowed", "storage watched",
     "every call to storage takes twice as long, against the same probe without delay"},
    {"bytecodes", "bytecodes slowed", "bytecodes watched",
     "bytecodes of the Python interpreter slowed in windows, against the same probe with short windows"},
};

/// Share of the wall time in each block, in the terms of the rules.
std::vector<double> shares_in_blocks(const BottleneckRecord& record, const Plan& plan,
                                     const BottleneckReferences& references) {
  std::vector<double> values;
  for (int b = 0; b <= record.blocks; ++b) {
    const BottleneckSignals s = signals_of(record, {b});
    const std::string treatment = plan.treatment;
    double v = std::numeric_limits<double>::quiet_NaN();
    if (treatment == "less CPU") v = s.quota;
    if (treatment == "storage slowed") v = s.storage;
    if (treatment == "bytecodes slowed") v = s.bytecode * std::min(1.0, s.busy);
    if (treatment == "beside stream" && std::isfinite(s.memory)) v = shares_of(s, references).memory;
    if (std::isfinite(v)) values.push_back(v);
  }
  return values;
}

BottleneckSensitivity sensitivity(const BottleneckRecord& record, const Plan& plan,
                                  const BottleneckReferences& references) {
  BottleneckSensitivity s;
  s.resource = plan.resource;
  s.treatment = plan.treatment;
  s.control = plan.control;
  s.what = plan.what;
  const std::vector<double> time = log_ratios(record, plan.treatment, plan.control, wall);
  if (time.empty()) {
    s.note = "not tried";
    for (const std::string& line : record.unavailable)
      if (line.starts_with(s.treatment + ":") || line.starts_with(s.control + ":")) s.note = line;
    return s;
  }
  s.known = true;
  s.time = ratio_figure(time);
  s.cpu = ratio_figure(log_ratios(record, plan.treatment, plan.control, cpu));
  const std::vector<double> joules = log_ratios(record, plan.treatment, plan.control, energy);
  // A neighbour draws power too: of a sensor's joules it is not known whose they are.
  s.energy_known = !joules.empty() && s.treatment != "beside stream";
  if (s.energy_known) s.energy = ratio_figure(joules);
  const std::vector<double> shares = shares_in_blocks(record, plan, references);
  s.share_known = !shares.empty();
  if (s.share_known)
    s.share = figure_of(
        metrics::paired_centre(shares), [](double x) { return x; }, how(shares.size()));
  return s;
}

/// The phase itself must have become longer, or its marks are of a copy that knows no delay.
bool span_obeyed(const BottleneckRecord& record, const std::string& name) {
  std::vector<double> logs;
  for (int b = 0; b <= record.blocks; ++b) {
    const BottleneckRun* t = find(record, span_treatment + name, b);
    const BottleneckRun* c = find(record, "plain", b);
    if (t == nullptr || c == nullptr) continue;
    const auto longer = t->seen.find(span_seen + name), before = c->seen.find(span_seen + name);
    if (longer != t->seen.end() && before != c->seen.end() && before->second > 0.0)
      logs.push_back(longer->second / before->second);
  }
  return !logs.empty() && metrics::paired_centre(logs).centre > 1.2;
}

void add_spans(BottleneckRecord& record) {
  std::vector<std::string> names;
  for (const BottleneckRun& r : record.runs)
    if (r.treatment.starts_with(span_treatment) && std::find(names.begin(), names.end(), r.treatment) == names.end())
      names.push_back(r.treatment);
  for (const std::string& treatment : names) {
    BottleneckSensitivity s;
    s.resource = "phase " + treatment.substr(std::string_view(span_treatment).size());
    s.treatment = treatment;
    s.control = "plain";
    s.what = "every phase of that name made half as long again, by a sleep before its end";
    const std::vector<double> time = log_ratios(record, treatment, "plain", wall);
    if (!span_obeyed(record, s.resource.substr(6)))
      s.note = "the phase did not get longer: the program's copy of haywatt_phase knows no delay";
    s.known = !time.empty() && s.note.empty();
    if (s.known) {
      s.time = ratio_figure(time);
      s.cpu = ratio_figure(log_ratios(record, treatment, "plain", cpu));
      std::vector<double> shares;
      shares.reserve(time.size());
      for (const double x : time) shares.push_back(std::expm1(x) / 0.5);
      s.share_known = true;
      s.share = figure_of(
          metrics::paired_centre(shares), [](double x) { return x; }, how(shares.size()));
    }
    record.sensitivities.push_back(std::move(s));
  }
}

/// The blocks are drawn anew with replacement, each with all its runs: all ratios vary together, as they did.
void judge(BottleneckRecord& record, const BottleneckReferences& references, int cpus) {
  std::vector<int> all(static_cast<std::size_t>(std::max(1, record.blocks)));
  std::iota(all.begin(), all.end(), 0);
  const std::string verdict = verdict_of(signals_of(record, all), references, cpus);
  std::map<std::string, int> votes;
  std::mt19937_64 random(12345);
  for (int i = 0; i < resamplings; ++i) {
    std::vector<int> drawn(all.size());
    for (int& b : drawn) b = static_cast<int>(random() % all.size());
    ++votes[verdict_of(signals_of(record, drawn), references, cpus)];
  }
  record.support = votes[verdict] / static_cast<double>(resamplings);
  record.verdict = verdict;
  int second = 0;
  for (const auto& [name, count] : votes)
    if (name != verdict && count > second) {
      second = count;
      record.runner_up = name;
    }
  if (record.support < 0.5 && verdict != "cannot tell") {
    record.runner_up = verdict;
    record.verdict = "cannot tell";
  }
}

/// Other programs that ran meanwhile took CPU time from ours and from the neighbours.
void tell_of_disturbance(BottleneckRecord& record) {
  std::vector<double> ran;
  for (const BottleneckRun& r : record.runs)
    if (const auto at = r.seen.find("neighbour_ran"); at != r.seen.end()) ran.push_back(at->second);
  const auto few = std::count_if(ran.begin(), ran.end(), [](double x) { return x < undisturbed; });
  if (few == 0) return;
  record.notes.push_back(fmt::format(
      "the machine was busy with other things: in {} of {} runs a neighbour did not have its CPU, and these are "
      "not used for what is said about memory",
      few, ran.size()));
}

void tell_knobs(BottleneckRecord& record, const std::vector<Knob>& knobs) {
  for (const Knob& k : knobs) {
    BottleneckKnob told;
    told.name = k.name;
    for (std::size_t v = 0; v < k.values.size(); ++v) {
      told.values.push_back(k.values[v]);
      const std::string treatment = v == 0 ? "plain" : k.name + " " + k.values[v];
      const std::vector<double> time = log_ratios(record, treatment, "plain", wall);
      const std::vector<double> joules = log_ratios(record, treatment, "plain", energy);
      told.time.push_back(v == 0 ? Figure::exact(1.0, "1") : time.empty() ? Figure{} : ratio_figure(time));
      if (!joules.empty()) told.energy.push_back(v == 0 ? Figure::exact(1.0, "1") : ratio_figure(joules));
    }
    if (told.energy.size() != told.time.size()) told.energy.clear();
    told.meaning = meaning_of_knob(told);
    record.knobs.push_back(std::move(told));
  }
}

}  // namespace

void conclude_bottleneck(BottleneckRecord& record, int cpus, const std::map<std::string, double>& seen,
                         const std::vector<Knob>& knobs) {
  record.sensitivities.clear();
  record.evidence.clear();
  record.knobs.clear();
  record.runner_up.clear();
  if (record.blocks == 0) {
    record.verdict = "cannot tell";
    record.reason = "not one block of runs was finished.";
    return;
  }
  const BottleneckReferences references = references_of(seen);
  for (const Plan& plan : plans) record.sensitivities.push_back(sensitivity(record, plan, references));
  add_spans(record);
  judge(record, references, cpus);
  tell_knobs(record, knobs);
  tell_of_disturbance(record);
  std::vector<int> all(static_cast<std::size_t>(record.blocks));
  std::iota(all.begin(), all.end(), 0);
  const BottleneckSignals signals = signals_of(record, all);
  record.evidence = evidence_of(signals, references);
  record.reason = reason_for(record.verdict, signals, references, record.runner_up);
  record.advice = advice_for(record.verdict, signals, references, record.knobs);
}

}  // namespace haywatt::experiment
