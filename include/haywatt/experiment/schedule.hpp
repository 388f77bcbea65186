/// In which order and how often: pure functions of what is known, so that a resumed study goes on as it would have.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

namespace haywatt::experiment {

/// What the first run of a trial told.
struct FirstRun {
  double seconds = 0.0;  ///< of the whole run, comparing included
  bool failed = false;
};

inline constexpr double quick_run_s = 10.0;  ///< a run shorter than this is quick
inline constexpr int quick_repeats = 6;      ///< runs of a quick trial

/// How often each trial runs in all. `fixed` > 0: that often. Otherwise quick trials run quick_repeats times, slow ones
/// once, and again in turn (shortest first, at most quick_repeats) while `budget_s` for the whole study allows. A trial
/// whose first run failed is not repeated.
[[nodiscard]] std::vector<int> choose_repeats(const std::vector<FirstRun>& first, int fixed, double budget_s);

/// 0..count-1 shuffled: the order of one round. The same for the same seed and round on every machine (splitmix64,
/// Fisher-Yates), different from round to round, so that drift of the machine hits no trial always.
[[nodiscard]] std::vector<std::size_t> shuffled_order(std::size_t count, std::uint64_t seed, int round);

}  // namespace haywatt::experiment
