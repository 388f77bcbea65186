/// Plans: what a study runs. data x methods x bounds x threads, repeated (docs/plan.md). Plain data and pure functions.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "haywatt/codec/method.hpp"
#include "haywatt/data/bound.hpp"
#include "haywatt/data/schema.hpp"
#include "haywatt/experiment/external.hpp"
#include "haywatt/meter/estimate.hpp"

namespace haywatt::experiment {

/// One bound of a study: one or more rules, of which the last that matches a column counts.
struct BoundSet {
  std::vector<BoundRule> rules;
  /// "range:1e-3", "range:1e-3; pt*=rel:1e-4".
  [[nodiscard]] std::string text() const;
};

struct PlannedMethod {
  MethodSpec spec;
  std::optional<std::vector<BoundSet>> bounds;  ///< none: the plan's
  std::optional<ExternalMethod> external = {};  ///< then `spec` is its name behind external_prefix
};

struct Plan {
  std::string title;                   ///< empty: made from the data's names
  std::vector<std::string> data;       ///< paths
  std::vector<PlannedMethod> methods;  ///< empty: every method that is available and applies, and zstd:level=19
  std::vector<BoundSet> bounds;  ///< empty: lossless and range:1e-3; for methods that know `none`: none and range:1e-3
  std::vector<int> threads;      ///< empty: as many as this process may use
  int repeats = 0;               ///< 0: by time, see choose_repeats
  double budget_s = 180.0;       ///< time that extra repeats of slow runs may fill; quick ones are repeated anyway
  double timeout_s = 3600.0;     ///< of one run
  std::uint64_t memory_B = std::uint64_t{1} << 30;  ///< as `compress --memory`
  std::uint64_t seed = 1;                           ///< of the order
  meter::EstimateOptions estimate;                  ///< of this machine, where no sensor can be read
};

/// Reads PLAN.toml. `path` is for messages and the folder that relative data paths start from. Error(Usage) naming the
/// line and the key for bad syntax, unknown keys, wrong types and values.
[[nodiscard]] Plan parse_plan(std::string_view toml, const std::string& path);

/// "zstd:level=19,window=20,lz4" -> zstd with two options, lz4. Error(Usage).
[[nodiscard]] std::vector<PlannedMethod> parse_method_list(std::string_view text);
/// "lossless,range:1e-3" -> two bounds. Error(Usage).
[[nodiscard]] std::vector<BoundSet> parse_bound_list(std::string_view text);

/// A table of the study, as far as planning needs to know it.
struct TableFacts {
  std::string path;  ///< as given
  std::string xxh3;  ///< of the file's bytes, 16 hexadecimal digits
  Schema schema;
};

/// One combination of the study; it runs once a repeat.
struct Trial {
  std::string data, data_xxh3;
  MethodSpec method;
  BoundSet bound;
  int threads = 1;
  std::optional<ExternalMethod> external;  ///< what `method` names, if it is no built-in one; its timeout_s is set
  std::string label;  ///< "zstd:level=19, range:1e-3"; names threads or data where the study varies them

  /// Stable over versions of the program: 16 hexadecimal digits of XXH3 over data hash, method, bound, threads, repeat
  /// and what describes an external method.
  [[nodiscard]] std::string key(int repeat) const;
};

struct Expansion {
  std::vector<Trial> trials;
  std::vector<std::string> notes;  ///< what was left out and why, one line each
};
/// Every combination of the plan, in plan order. Error(Usage) for unknown methods or options and for a plan of nothing.
[[nodiscard]] Expansion expand(const Plan& plan, const std::vector<TableFacts>& tables);

/// The plan with every default written out, as TOML that parse_plan reads. Its first line is a comment with
/// plan_identity.
[[nodiscard]] std::string plan_as_ran(const Plan& plan, const std::vector<TableFacts>& tables,
                                      const std::vector<Trial>& trials);
/// What makes two studies the same: trials, repeats, budget, memory, seed and what is told of the machine, not the
/// paths. 16 hexadecimal digits.
[[nodiscard]] std::string plan_identity(const Plan& plan, const std::vector<Trial>& trials);

}  // namespace haywatt::experiment
