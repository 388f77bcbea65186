// Trace Event Format: "ph" M names processes and threads, X is a slice with "dur", C a counter; "ts" in microseconds.
// https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU (Chromium project)
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "haywatt/trace/exports.hpp"
#include "trace/lanes.hpp"

namespace haywatt::trace {
namespace {

using nlohmann::json;

/// The track of the run itself: no process of a metered tree can have the number 1, which is init's.
constexpr std::int64_t own_pid = 1;
constexpr std::int64_t run_tid = 1;
/// Lanes that belong to no thread of the kernel are numbered from here, above any pid of Linux (2^22).
constexpr std::int64_t first_lane_tid = std::int64_t{1} << 23;

/// Whole nanoseconds; nothing for a time that no run has.
std::optional<std::int64_t> nanoseconds(double seconds) {
  constexpr double longest_s = 1e9;
  if (!(seconds >= 0.0 && seconds <= longest_s)) return std::nullopt;
  return std::llround(seconds * 1e9);
}

double microseconds(std::int64_t ns) { return static_cast<double>(ns) / 1e3; }

class Trace {
 public:
  void name_process(std::int64_t pid, const std::string& name, int order) {
    about("process_name", pid, 0, {{"name", name}});
    about("process_sort_index", pid, 0, {{"sort_index", order}});
  }
  void name_thread(std::int64_t pid, std::int64_t tid, const std::string& name) {
    about("thread_name", pid, tid, {{"name", name}});
  }
  void slice(std::int64_t pid, std::int64_t tid, const std::string& category, const std::string& name,
             std::int64_t start_ns, std::int64_t end_ns, json arguments) {
    add(start_ns, {{"ph", "X"},
                   {"cat", category},
                   {"name", name},
                   {"pid", pid},
                   {"tid", tid},
                   {"ts", microseconds(start_ns)},
                   {"dur", microseconds(std::max<std::int64_t>(0, end_ns - start_ns))},
                   {"args", std::move(arguments)}});
  }
  /// Values that are not finite are left out.
  void counter(const std::string& name, const std::string& unit, double at_s, double value) {
    const auto at = nanoseconds(at_s);
    if (!at || !std::isfinite(value)) return;
    add(*at, {{"ph", "C"},
              {"cat", "counter"},
              {"name", name},
              {"pid", own_pid},
              {"tid", run_tid},
              {"ts", microseconds(*at)},
              {"args", {{unit, value}}}});
  }
  /// In order of time; names first.
  [[nodiscard]] json events() {
    std::stable_sort(timed_.begin(), timed_.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    json all = std::move(names_);
    for (auto& [unused, event] : timed_) all.push_back(std::move(event));
    return all;
  }

 private:
  void about(const char* what, std::int64_t pid, std::int64_t tid, json arguments) {
    names_.push_back(
        {{"ph", "M"}, {"name", what}, {"pid", pid}, {"tid", tid}, {"ts", 0}, {"args", std::move(arguments)}});
  }
  void add(std::int64_t at_ns, json event) { timed_.emplace_back(at_ns, std::move(event)); }

  json names_ = json::array();
  std::vector<std::pair<std::int64_t, json>> timed_;
};

json energy_of(const std::vector<EnergyFigure>& energy) {
  json all = json::object();
  for (const EnergyFigure& e : energy) {
    std::string key = e.sensor + " " + e.boundary + " " + e.share;
    if (!e.rule.empty()) key += " " + e.rule;
    all[key] = e.known ? fmt::format("{:.6g} J ({:g} %: {:.6g} to {:.6g})", e.joules.value, 100.0 * e.joules.level,
                                     e.joules.low, e.joules.high)
                       : "unknown: " + e.note;
  }
  return all;
}

void add_run(Trace& trace, const RunRecord& run) {
  const std::string title = run.label.empty() ? "run" : run.label;
  trace.name_process(own_pid, "haywatt: " + title, 0);
  trace.name_thread(own_pid, run_tid, "run");
  json arguments = {{"cpu_s", run.cpu_s}, {"rss_peak_B", run.rss_peak_B}, {"energy", energy_of(run.energy)}};
  if (run.tree) arguments["exit_code"] = run.tree->exit_code;
  trace.slice(own_pid, run_tid, "run", title, 0, nanoseconds(run.wall_s).value_or(0), std::move(arguments));
}

void add_phases(Trace& trace, const RunRecord& run) {
  std::vector<Stretch> stretches;
  for (std::size_t i = 0; i < run.spans.size(); ++i) {
    const auto start = nanoseconds(run.spans[i].start_s), end = nanoseconds(run.spans[i].end_s);
    if (start && end) stretches.push_back({run.spans[i].thread, *start, std::max(*start, *end), i});
  }
  std::int64_t tid = first_lane_tid;
  for (const Lane& lane : nested_lanes(stretches)) {
    ++tid;
    trace.name_thread(own_pid, tid,
                      fmt::format("phases, thread {}{}", lane.key, lane.number == 0 ? "" : " (overlapping)"));
    for (const Stretch& s : lane.stretches)
      trace.slice(own_pid, tid, "phase", run.spans[s.index].phase, s.start_ns, s.end_ns, json::object());
  }
}

void add_processes(Trace& trace, const TreeRecord& tree) {
  std::vector<Stretch> stretches;
  for (std::size_t i = 0; i < tree.processes.size(); ++i) {
    const ProcessRecord& p = tree.processes[i];
    const auto start = nanoseconds(p.start_s), end = nanoseconds(p.end_s);
    if (start && end && p.pid > 0)
      stretches.push_back({static_cast<std::uint64_t>(p.pid), *start, std::max(*start, *end), i});
  }
  std::set<std::int64_t> named;
  int order = 1;
  std::int64_t further_lanes = 2 * first_lane_tid;
  for (const Lane& lane : nested_lanes(stretches)) {
    const auto pid = static_cast<std::int64_t>(lane.key);
    if (named.insert(pid).second) trace.name_process(pid, tree.processes[lane.stretches.front().index].name, order++);
    const std::int64_t tid = lane.number == 0 ? pid : further_lanes++;
    for (const Stretch& s : lane.stretches) {
      const ProcessRecord& p = tree.processes[s.index];
      trace.slice(pid, tid, "process", p.name, s.start_ns, s.end_ns,
                  {{"parent", p.parent}, {"cpu_s", p.cpu_s}, {"rss_peak_B", p.rss_peak_B}});
    }
  }
}

void add_samples(Trace& trace, const std::vector<SampleRecord>& samples) {
  const bool counts =
      std::any_of(samples.begin(), samples.end(), [](const SampleRecord& s) { return s.processes > 0; });
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const SampleRecord& s = samples[i];
    trace.counter("resident memory", "B", s.t_s, static_cast<double>(s.rss_B));
    if (counts) {
      trace.counter("processes", "processes", s.t_s, static_cast<double>(s.processes));
      trace.counter("threads", "threads", s.t_s, static_cast<double>(s.threads));
    }
    if (i + 1 == samples.size()) break;
    // A counter holds until its next value: the mean of the stretch stands at its start.
    const SampleRecord& next = samples[i + 1];
    const double stretch_s = next.t_s - s.t_s;
    if (!(stretch_s > 0.0)) continue;
    const auto rate = [&](std::uint64_t from, std::uint64_t to) {
      return to < from ? 0.0 : static_cast<double>(to - from) / stretch_s;
    };
    trace.counter("CPUs in use", "CPUs", s.t_s, (next.cpu_s - s.cpu_s) / stretch_s);
    trace.counter("read calls", "B/s", s.t_s, rate(s.read_B, next.read_B));
    trace.counter("write calls", "B/s", s.t_s, rate(s.written_B, next.written_B));
  }
}

void add_power(Trace& trace, const std::vector<PowerSeries>& power) {
  for (const PowerSeries& p : power) {
    std::string name = "power: " + p.sensor;
    if (!p.tier.empty()) name += " " + p.tier;
    name += ", " + p.boundary + ", " + p.share;
    if (!p.rule.empty()) name += ", " + p.rule;
    const std::size_t stretches = std::min(p.watts.size(), p.t_s.size());
    for (std::size_t i = 0; i < stretches; ++i) trace.counter(name, "W", p.t_s[i], p.watts[i]);
  }
}

}  // namespace

std::string to_chrome_trace(const ProgramRecord& record) {
  const RunRecord& run = record.run;
  Trace trace;
  add_run(trace, run);
  add_phases(trace, run);
  if (run.tree) add_processes(trace, *run.tree);
  add_samples(trace, run.samples);
  add_power(trace, run.power);
  const json document = {{"displayTimeUnit", "ms"},
                         {"otherData",
                          {{"made_by", "haywatt " + record.haywatt_version},
                           {"started", run.started},
                           {"cpu", record.machine.cpu_name},
                           {"ts", "microseconds since the start of the run"}}},
                         {"traceEvents", trace.events()}};
  return document.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace haywatt::trace
