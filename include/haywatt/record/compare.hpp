/// The record of a comparison of two programs: what was run, in which order, and how much B needs of what A needs.
/// JSON: schema "haywatt-compare/1", docs/compare.md.
#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "haywatt/record/figure.hpp"
#include "haywatt/record/machine.hpp"
#include "haywatt/record/record.hpp"

namespace haywatt {

/// One of the two, A or B.
struct ComparedSide {
  std::string command;             ///< as it was given
  std::vector<std::string> words;  ///< what was executed: program and arguments
  std::vector<std::string> files;  ///< of stored runs: where they were read from
};

/// One run of a comparison. `run` is reduced to its key figures.
struct ComparedRun {
  char side = 'A';
  int pair = 0;          ///< 0, 1, …; -1 for a warm-up run and for stored runs
  bool warm_up = false;  ///< not in any figure
  int exit_code = 0;
  RunRecord run;
};

/// One quantity, how it compares.
struct ComparedMetric {
  std::string name;                          ///< "energy", "time", "cpu", "memory"
  std::string unit;                          ///< of the medians: "J", "s", "B"
  std::string sensor, boundary, rule, tier;  ///< of an energy
  bool known = false;                        ///< false: `note` says why; nothing below is set
  double a_median = 0.0, b_median = 0.0;
  Figure ratio;             ///< B/A; its components are the scatter ("pairs") and what A and B do not share
  double p_b_less = 0.5;    ///< probability that the true ratio is below 1
  std::string verdict;      ///< "B less", "B more", "equal", "cannot tell", "unknown"
  double detectable = 0.0;  ///< relative difference that four of five such comparisons tell from none: 0.03 is 3 %
  double shared_not = 0.0;  ///< relative half-width (95 %) from what more pairs do not reduce
  std::optional<std::uint64_t> more_pairs;  ///< that would tell, were the difference the one seen; "cannot tell" only
  std::string note;
};

/// How a phase differs between B and A, in the unit of the deciding metric.
struct ComparedPhase {
  std::string name;
  double a_median = 0.0, b_median = 0.0;
  Figure difference;  ///< B - A, interval from the scatter alone
  bool told = false;  ///< its interval excludes 0
};

struct ComparisonRecord {
  std::string started, finished, haywatt_version;
  Machine machine;
  ComparedSide a, b;
  bool paired = true;  ///< false: stored runs
  int pairs = 0;       ///< counted ones; of stored runs 0
  int warm_up = 0;     ///< excluded runs of each side
  std::uint64_t seed = 1;
  std::optional<double> precision;  ///< relative half-width that was wanted; nothing where the pairs were fixed
  std::optional<double> budget_s;
  std::string stopped_by;  ///< "precision", "budget", "pairs", "most pairs", "interrupted"; "stored" for stored runs
  double elapsed_s = 0.0;
  std::vector<ComparedMetric> metrics;
  std::size_t deciding = 0;             ///< index into metrics: the one that precision and fail_if_worse look at
  std::string deciding_reason;          ///< why that one
  std::vector<ComparedPhase> phases;    ///< of the deciding metric; empty where no phase is marked
  std::optional<ComparedPhase> total;   ///< the same difference of the whole runs
  std::string cause;                    ///< the phase that explains most of the difference, or empty
  std::optional<double> fail_if_worse;  ///< 0.05: B may need up to 5 % more
  bool worse = false;                   ///< the whole interval lies above 1 + fail_if_worse
  std::vector<std::string> notes;       ///< lines for people
  std::vector<ComparedRun> runs;

  [[nodiscard]] const ComparedMetric& decider() const { return metrics.at(deciding); }
};

void to_json(nlohmann::json& j, const ComparedMetric& m);
void from_json(const nlohmann::json& j, ComparedMetric& m);
void to_json(nlohmann::json& j, const ComparisonRecord& r);
void from_json(const nlohmann::json& j, ComparisonRecord& r);

}  // namespace haywatt
