/// Comparisons: two programs run in turn until the ratio of what they need is known well enough (docs/compare.md).
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "haywatt/meter/program_meter.hpp"
#include "haywatt/record/compare.hpp"

namespace haywatt::experiment {

/// Which metric decides how many pairs are made and whether B is worse. Automatic: energy where a sensor measures it,
/// else CPU time, since an estimate is CPU time in other units.
enum class CompareOn { Automatic, Energy, Time, Cpu, Memory };

struct CompareOptions {
  CompareOn on = CompareOn::Automatic;
  double precision = 0.03;         ///< wanted half-width of the 95 % interval of the deciding ratio
  std::optional<double> budget_s;  ///< wall-clock limit. None: 60 s, but at least fewest_pairs
  int pairs = 0;                   ///< exactly so many; 0: as many as the precision needs
  int warm_up = 1;                 ///< runs of each side that are not counted
  std::uint64_t seed = 1;          ///< of the order within the pairs
  bool allow_failure = false;      ///< count runs whose program failed
  std::optional<double> fail_if_worse;
};

inline constexpr int fewest_pairs = 6;  ///< before precision may stop a comparison
inline constexpr double least_s = 3.0;  ///< and time: more pairs of quick commands cost nothing
inline constexpr int most_pairs = 300;  ///< after which it ends in any case, unless the pairs were given
inline constexpr double default_budget_s = 60.0;

/// What compare_commands needs of the world; a simulation brings its own.
struct CompareWorld {
  Machine machine;
  std::string haywatt_version;
  std::function<meter::ProgramResult(char side)> run;            ///< one metered run of 'A' or 'B'
  std::function<double()> now_s;                                 ///< a clock that never goes back
  std::function<bool()> stop_asked;                              ///< true: end and report what there is
  std::function<void(double share, std::string_view)> progress;  ///< 0..1 and what runs now
};

/// True for the pairs in which B runs first: in each block of two pairs one of the two, drawn (splitmix64 of seed and
/// block), so that a steady drift of the machine cancels (ABBA or BAAB).
[[nodiscard]] bool b_runs_first(int pair, std::uint64_t seed);

/// Error(BadInput) when a program fails and failures are not allowed, Error(Usage) when it does not exist or when the
/// budget holds no pair. An interruption (of a run, or stop_asked) ends it with the pairs made so far,
/// `stopped_by` "interrupted"; then `metrics` is empty if there is no whole pair.
[[nodiscard]] ComparisonRecord compare_commands(const ComparedSide& a, const ComparedSide& b,
                                                const CompareOptions& options, const CompareWorld& world);

/// Runs that were metered before. Error(Usage) if a side has none.
[[nodiscard]] ComparisonRecord compare_stored(const ComparedSide& a, const std::vector<ProgramRecord>& of_a,
                                              const ComparedSide& b, const std::vector<ProgramRecord>& of_b,
                                              const CompareOptions& options);

/// The runs in these files, each as `haywatt meter -o` writes it; of a folder every *.json in it. Error(System) or
/// Error(BadInput) naming the file. `side.files` gets the paths.
[[nodiscard]] std::vector<ProgramRecord> load_runs(const std::vector<std::string>& paths, ComparedSide& side);

/// A command as words: split after the quoting rules of sh (blanks, '…', "…", \) where it holds nothing else of the
/// shell's language; otherwise {"sh", "-c", command}. Error(Usage) if it is empty or a quote is not closed.
[[nodiscard]] std::vector<std::string> command_words(const std::string& command);

}  // namespace haywatt::experiment
