/// What an experiment with layouts says, in plain words; not escaped.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "haywatt/record/layouts.hpp"

namespace haywatt::report {

/// A subject and its sentences: "Forecast", "Equality", "Time", "Energy", "Beyond", "Memory".
[[nodiscard]] std::vector<std::pair<std::string, std::vector<std::string>>> layouts_headline(
    const LayoutsRecord& record);
/// "×16, ×64 (tensor, ×1.8 at ×64)" or "at none (pipeline comes nearest: ×0.93 at ×4)".
[[nodiscard]] std::string pays_words(const LayoutPaysIn& pays);
/// "alpha 31.2 us, beta 0.85 ns/B" of the segments of a link, the last one.
[[nodiscard]] std::string link_words(const std::vector<LayoutLinkLine>& lines);
/// "+12 %"
[[nodiscard]] std::string deviation_words(double deviation);
/// "Baler's own size" is ×1.
[[nodiscard]] std::string width_words(std::uint64_t widen);

}  // namespace haywatt::report
