#include "experiment/bottleneck_words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace haywatt::experiment {
namespace {

std::string percent(double share) { return fmt::format("{:.0f} %", 100.0 * share); }

void add(std::vector<BottleneckEvidence>& list, const char* name, const char* unit, double value, const char* meaning) {
  if (std::isfinite(value)) list.push_back({name, unit, value, meaning});
}

/// Amdahl: 1/speed-up on two CPUs = s + (1 - s)/2.
double serial_share(double one_cpu) { return std::clamp(2.0 / one_cpu - 1.0, 0.0, 1.0); }

std::string memory_words(const BottleneckSignals& s) {
  return fmt::format(
      "Beside a neighbour that streams memory it needs {:.2f} times the CPU time that it needs beside one that "
      "computes, "
      "and the neighbour loses {} of its rate to it",
      s.memory, percent(std::max(0.0, s.slowed)));
}

}  // namespace

std::vector<BottleneckEvidence> evidence_of(const BottleneckSignals& s, const BottleneckReferences& r) {
  std::vector<BottleneckEvidence> list;
  add(list, "wall time", "s", s.wall_s, "of a plain run, median");
  add(list, "CPU time", "s", s.cpu_s, "of a plain run, median");
  add(list, "CPUs busy", "1", s.busy, "CPU seconds for each second");
  add(list, "alive at once", "1", s.at_once, "threads and processes, the most seen");
  add(list, "voluntary switches", "1/s", s.switches_per_s, "times a thread waited for something");
  add(list, "bytecodes near", "1", s.bytecode,
      "share of the main thread's time in which bytecodes are less than 2 µs apart");
  add(list, "taken from a streaming neighbour", "1", s.slowed, "share of its rate");
  add(list, "reference: stream beside stream", "1", r.stream_memory,
      "ratio of times of a kernel that is known to be bound by bandwidth");
  add(list, "reference: taken by a stream", "1", r.stream_slowed,
      "share of a neighbour's rate that such a kernel takes");
  add(list, "reference: chase beside stream", "1", r.chase_memory,
      "ratio of times of a kernel that is known to be bound by latency");
  return list;
}

std::string reason_for(const std::string& verdict, const BottleneckSignals& s, const BottleneckReferences& r,
                       const std::string& runner_up) {
  const BottleneckShares shares = shares_of(s, r);
  if (verdict == "I/O")
    return fmt::format(
        "With every call to storage made twice as long it takes {} longer: so much of its time hangs on storage.",
        percent(s.storage));
  if (verdict == "synchronisation")
    return fmt::format(
        "Up to {:.0f} threads or processes are alive at once, yet {:.2f} CPUs are busy and there are {:.0f} waits a "
        "second; on one CPU alone it takes {} the time.",
        s.at_once, s.busy, s.switches_per_s,
        std::isfinite(s.one_cpu) ? fmt::format("{:.2f} times", s.one_cpu) : "not known how much of");
  if (verdict == "interpreter/dispatch")
    return fmt::format(
        "In {} of the time of its main thread bytecodes of the interpreter are less than 2 µs apart: what is done "
        "between two of them is too little to matter.",
        percent(s.bytecode));
  if (verdict == "memory bandwidth") return memory_words(s) + ": both want the same bytes a second.";
  if (verdict == "memory latency") {
    std::string text = memory_words(s) + ": it waits for memory and moves little of it.";
    if (s.huge < 0.95)
      text += fmt::format(" With huge pages it needs {:.2f} times the CPU time in its own code.", s.huge);
    return text;
  }
  if (verdict == "serial part")
    return fmt::format(
        "It has up to {:.0f} threads at once, but two CPUs make it only {:.2f} times as fast as one: after Amdahl {} "
        "of its work is serial.",
        s.at_once, s.one_cpu, percent(serial_share(s.one_cpu)));
  if (verdict == "compute")
    return fmt::format(
        "{:.2f} CPUs are busy; taking memory away changes its CPU time by a factor {:.2f}; storage holds {} and the "
        "interpreter {} of the time.",
        s.busy, std::isfinite(s.memory) ? s.memory : 1.0, percent(shares.storage), percent(shares.interpreter));
  std::string text = fmt::format("No cause holds most of the time: storage {}, interpreter {}, memory {}, waiting {}.",
                                 percent(shares.storage), percent(shares.interpreter), percent(shares.memory),
                                 percent(shares.waiting));
  if (!runner_up.empty()) text += " Closest: " + runner_up + ".";
  return text;
}

std::string advice_for(const std::string& verdict, const BottleneckSignals& s, const BottleneckReferences& r,
                       const std::vector<BottleneckKnob>& knobs) {
  for (const BottleneckKnob& k : knobs) {
    const auto best = std::min_element(k.time.begin(), k.time.end(),
                                       [](const Figure& a, const Figure& b) { return a.value < b.value; });
    if (k.name == "rows" || best == k.time.end() || best->value > 0.9 || best->high > 1.0) continue;
    return fmt::format("Set {} to {}: measured, it takes {:.2f} times the time of {}.", k.name,
                       k.values.at(static_cast<std::size_t>(best - k.time.begin())), best->value, k.values.front());
  }
  const BottleneckShares shares = shares_of(s, r);
  if (verdict == "I/O")
    return fmt::format(
        "Fewer and larger calls to storage, or a faster place for its files: storage at no cost would save at most {} "
        "of the time.",
        percent(std::min(1.0, shares.storage)));
  if (verdict == "synchronisation")
    return s.one_cpu < 0.97 ? fmt::format(
                                  "Use one thread or CPU: measured, it takes {:.2f} times the time and {:.2f} times "
                                  "the CPU seconds; or hand over larger pieces.",
                                  s.one_cpu, s.one_cpu_cpu)
                            : "Hand over larger pieces of work, so that threads meet less often; a second CPU gains "
                              "nothing as it is.";
  if (verdict == "interpreter/dispatch")
    return fmt::format(
        "Do more in each call (larger batches or arrays), or move the loop into compiled code: {} of the time is the "
        "interpreter's and its calls'.",
        percent(std::min(1.0, shares.interpreter)));
  if (verdict == "memory bandwidth")
    return "Move fewer bytes: smaller types, fused loops, blocks that stay in the cache. More threads gain little, and "
           "a faster clock nothing.";
  if (verdict == "memory latency")
    return s.huge < 0.95 ? fmt::format(
                               "Set GLIBC_TUNABLES=glibc.malloc.hugetlb=1: measured, its own code then takes {:.2f} "
                               "times the CPU time. Beyond it: data that lie together, indices instead of pointers, "
                               "several searches under way at once.",
                               s.huge)
                         : "Let data that are used together lie together, replace pointers by indices, keep several "
                           "searches under way at once.";
  if (verdict == "serial part")
    return fmt::format(
        "Make the serial {} of the work parallel or faster: with any number of CPUs it cannot become more than {:.1f} "
        "times as fast as on one.",
        percent(serial_share(s.one_cpu)), 1.0 / std::max(0.01, serial_share(s.one_cpu)));
  if (verdict == "compute")
    return !runs_at_once(s) ? "Use the second CPU, wider vectors, a smaller float type or a better "
                              "algorithm: time falls with the work, nothing else is in the way."
                            : "Do less work for each result: wider vectors, a smaller float type, a "
                              "better algorithm; it already keeps its CPUs busy.";
  return "Give a larger --budget or a quieter machine, mark phases (docs/phases.md), or vary its own knobs (--threads, "
         "--batch, --rows).";
}

std::string meaning_of_knob(const BottleneckKnob& k) {
  if (k.values.size() < 2 || k.time.back().value <= 0.0) return "";
  char* end = nullptr;
  const double first = std::strtod(k.values.front().c_str(), &end), last = std::strtod(k.values.back().c_str(), &end);
  const double ratio = k.time.back().value;
  if (k.name == "dtype")
    return fmt::format(
        "{} takes {:.2f} times the time of {}: {}.", k.values.back(), ratio, k.values.front(),
        ratio < 0.75 ? "time goes with the size or width of numbers" : "time does not go with the width of numbers");
  if (!(first > 0.0) || !(last > 0.0) || first == last) return "";
  const double exponent = std::log(ratio) / std::log(last / first);
  return fmt::format("time goes as {} to the power {:.2f}.", k.name, exponent);
}

}  // namespace haywatt::experiment
