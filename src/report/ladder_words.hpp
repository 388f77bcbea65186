/// What a ladder says, in plain words and small tables; not escaped.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "report/ladder_view.hpp"

namespace haywatt::report {

/// Phase and one sentence: from what to what, at the largest size measured.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> ladder_headline(const LadderRecord& record);

/// How work grows with rows.
struct GrowthTable {
  std::string title;
  std::vector<std::string> head;
  std::vector<std::vector<std::string>> rows;
};
/// Of each phase: microseconds a row of each rung's work at each size, and the exponent between the two largest; of the
/// first rung also what it spends inside. Empty with less than two sizes.
[[nodiscard]] std::vector<GrowthTable> ladder_growth(const LadderRecord& record);
[[nodiscard]] std::string growth_sentence();

/// "×0.31 (0.30–0.33)", or "–".
[[nodiscard]] std::string ratio_words(const LadderStep* step, const std::string& metric);

}  // namespace haywatt::report
