/// The search for a bottleneck: the program is run again and again while one resource at a time is made scarcer, and
/// what its time does about it says what it is bound by (docs/bottleneck.md).
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "haywatt/meter/program_meter.hpp"
#include "haywatt/record/bottleneck.hpp"

namespace haywatt::experiment {

/// The values of a placeholder {name} of the command; the first is the reference.
struct Knob {
  std::string name;
  std::vector<std::string> values;
};

/// `word` with each {name} replaced by its value.
[[nodiscard]] std::string with_knobs(std::string word, const std::map<std::string, std::string>& values);

struct BottleneckOptions {
  std::vector<std::string> command;  ///< words; may hold placeholders of the knobs, and {scratch} for a folder of ours
  std::string label;                 ///< what a person calls it; empty: the command
  std::vector<Knob> knobs;
  std::function<void(const std::string&)> prepare;  ///< called once with the folder {scratch}, before the first run
  double budget_s = 120.0;                          ///< wall clock; the first block is always made
  double timeout_s = 600.0;                         ///< of one run
  double settled = 0.95;                            ///< share of resamplings that must agree before it ends early
  int fewest_blocks = 3;                            ///< before it may
  std::uint64_t seed = 1;                           ///< of the order of treatments within a block
  meter::EstimateOptions estimate;
  bool show_output = false;
};

inline constexpr double shortest_s = 0.05;  ///< a run below this is mostly its own start

/// Everything that is done to a program in one run. The default is nothing.
struct Treatment {
  std::string name;
  bool one_cpu = false;                 ///< pinned to the first CPU that may be used
  std::optional<int> beside;            ///< a neighbour on the second CPU: Neighbour as int
  double cpu_quota = 0.0;               ///< of one CPU; 0: none
  std::optional<double> storage_delay;  ///< the probe of storage is loaded; 0: it only looks
  int bytecode_window = 0;              ///< the probe of Python is loaded
  bool huge_pages = false;              ///< malloc asks for huge pages
  std::string span;                     ///< marked spans of this name are made longer …
  double span_delay = 0.0;              ///< … by this share of their own time
  std::map<std::string, std::string> knobs;
};

/// What a search needs of the world; a simulation brings its own.
struct BottleneckWorld {
  Machine machine;
  std::string haywatt_version;
  int cpus = 2;                                    ///< that the program may use
  std::map<std::string, std::string> unavailable;  ///< treatment → why it cannot be done here
  std::function<BottleneckRun(const Treatment&)> run;
  std::function<std::map<std::string, double>()> references;  ///< how known kernels answer to the same neighbours
  std::function<double()> now_s;
  std::function<bool()> stop_asked;
  std::function<void(double share, std::string_view)> progress;
  std::vector<std::string> notes;  ///< lines for people
  std::string energy_from;         ///< known after the first run
};

/// Error(BadInput) when the program fails or takes longer than the limit, Error(Usage) when it does not exist or is too
/// short to measure. Thrown by world.run: Interrupted ends the search with what there is.
struct Interrupted {};
[[nodiscard]] BottleneckRecord find_bottleneck(const BottleneckOptions& options, const BottleneckWorld& world);

/// The real thing: runs `options.command` on this machine. Must be called with one thread.
[[nodiscard]] int with_bottleneck_world(const BottleneckOptions& options, const std::string& haywatt_version,
                                        const std::function<int(BottleneckWorld&)>& body);

}  // namespace haywatt::experiment
