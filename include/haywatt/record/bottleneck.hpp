/// The record of a search for a bottleneck: what was done to a program, what it did to its time and energy, and what
/// follows. JSON: schema "haywatt-bottleneck/1", docs/bottleneck.md.
#pragma once
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "haywatt/record/figure.hpp"
#include "haywatt/record/machine.hpp"

namespace haywatt {

/// One run of the program under one treatment.
struct BottleneckRun {
  std::string treatment;  ///< "plain", "one CPU", "beside compute", … (docs/bottleneck.md)
  int block = 0;          ///< runs of a block followed each other
  double wall_s = 0.0, cpu_s = 0.0, user_s = 0.0;
  double energy_J = 0.0;               ///< NaN: not known
  std::map<std::string, double> seen;  ///< what else was seen: "voluntary_switches", "neighbour_slowed", …
};

/// How time and energy answer to one resource.
struct BottleneckSensitivity {
  std::string resource;            ///< "memory bandwidth left", "storage", …
  std::string treatment, control;  ///< treatments whose runs were set against each other, block by block
  std::string what;                ///< what was done, for people
  bool known = false;              ///< false: `note` says why; nothing below is set
  Figure time, cpu;                ///< treated / control of wall and CPU seconds, 95 % from the scatter of blocks
  bool energy_known = false;
  Figure energy;  ///< likewise of joules
  /// Of the wall time, how much hangs on this resource: d ln T / d ln(its cost), about 0 to 1. Unit "1".
  bool share_known = false;
  Figure share;
  std::string note;
};

/// Something seen that no treatment changed; it supports a verdict and does not make one.
struct BottleneckEvidence {
  std::string name, unit;
  double value = 0.0;
  std::string meaning;
};

/// A knob of the program and what turning it did.
struct BottleneckKnob {
  std::string name;                 ///< "threads", "batch", "rows", "dtype"
  std::vector<std::string> values;  ///< as they were given, the first is the reference
  std::vector<Figure> time;         ///< time with that value / time with the first
  std::vector<Figure> energy;       ///< empty where energy is not known
  std::string meaning;              ///< one sentence
};

struct BottleneckRecord {
  std::string started, finished, haywatt_version;
  Machine machine;
  std::string command;
  std::string verdict;    ///< "compute", "memory bandwidth", "memory latency", "interpreter/dispatch", "I/O",
                          ///< "synchronisation", "serial part" or "cannot tell"
  double support = 0.0;   ///< of 400 resamplings of the blocks, the share that gives this verdict
  std::string runner_up;  ///< the next most frequent one, or empty
  std::string reason;     ///< one or two sentences with the figures that decided
  std::string advice;     ///< what to do next
  int blocks = 0;
  double budget_s = 0.0, elapsed_s = 0.0;
  std::string stopped_by;   ///< "settled", "budget", "interrupted"
  std::string energy_from;  ///< sensor, tier and what an estimate means
  std::vector<BottleneckSensitivity> sensitivities;
  std::vector<BottleneckEvidence> evidence;
  std::vector<BottleneckKnob> knobs;
  std::vector<std::string> unavailable;  ///< one line each
  std::vector<std::string> notes;
  std::vector<BottleneckRun> runs;
};

void to_json(nlohmann::json& j, const BottleneckRecord& r);
void from_json(const nlohmann::json& j, BottleneckRecord& r);

}  // namespace haywatt
