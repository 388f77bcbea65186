/// A ladder's record arranged for tables and charts. Pure; nothing is escaped.
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "haywatt/record/ladder.hpp"

namespace haywatt::report {

/// One rung in one phase at one size.
struct LadderRow {
  const LadderRung* rung = nullptr;
  const LadderCheck* check = nullptr;  ///< nullptr: it was not looked at
  int runs = 0;
  std::string absent;      ///< why there are no figures; empty if there are
  Figure wall, work, cpu;  ///< medians, with the scatter of the runs
  double peak_B = 0.0;
  std::optional<Figure> joules;  ///< attributed where known; the scatter of the runs alone
  const LadderStep* to_before = nullptr;
  const LadderStep* to_first = nullptr;
};

/// Every rung that concerns the phase, in the ladder's order.
[[nodiscard]] std::vector<LadderRow> ladder_rows(const LadderRecord& record, const std::string& phase,
                                                 std::uint64_t rows);
/// Whether anything was run in this phase at this size.
[[nodiscard]] bool any_figures(const std::vector<LadderRow>& rows);

/// Why rungs have no figures, and which ones have none for that reason.
[[nodiscard]] std::vector<std::pair<std::string, std::vector<std::string>>> absent_rungs(
    const std::vector<LadderRow>& rows);

/// A metric of a step by name; of energies the attributed one. nullptr if there is none that is known.
[[nodiscard]] const ComparedMetric* metric_of(const LadderStep* step, const std::string& name);

/// How what a rung made compares: "same bytes", "differs by 5.8×10⁻⁷ of the range", "not compared".
[[nodiscard]] std::string result_words(const LadderRow& row);

/// Which joules these are: "estimate VM, wall, attributed"; empty if there are none.
[[nodiscard]] std::string joules_basis(const LadderRecord& record);

/// Medians of the seconds that the runs of a rung spent in a phase of their own, by the phase's name.
struct InsidePhase {
  std::string name;
  double wall_s = 0.0;
};
[[nodiscard]] std::vector<InsidePhase> inside(const LadderRecord& record, const std::string& rung,
                                              const std::string& phase, std::uint64_t rows);

/// The size at which most rungs were measured in all their phases; of several the largest.
[[nodiscard]] std::uint64_t reference_rows(const LadderRecord& record);

/// What a rung saves over the one it stands on, all its phases together, in medians.
struct LadderGain {
  const LadderRung* rung = nullptr;
  double seconds = 0.0, joules = 0.0;
  double share = 0.0;  ///< of the seconds that the first rung needs for the same phases
  bool told = false;   ///< in some phase the interval of CPU or wall time excludes 1, on the side of less
  bool measured = false;
};
[[nodiscard]] LadderGain gain_of(const LadderRecord& record, const LadderRung& rung, std::uint64_t rows);

}  // namespace haywatt::report
