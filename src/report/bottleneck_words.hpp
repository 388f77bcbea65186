/// Sentences that the page and the terminal share.
#pragma once
#include <string>

#include "haywatt/record/bottleneck.hpp"

namespace haywatt::report {

/// "1.31 (1.22 to 1.40)"
[[nodiscard]] std::string ratio_words(const Figure& f);
[[nodiscard]] std::string bottleneck_headline(const BottleneckRecord& r);
[[nodiscard]] std::string bottleneck_design(const BottleneckRecord& r);

/// The chart, the sensitivities, the knobs and the evidence as two sections of a page; for other pages too.
[[nodiscard]] std::string bottleneck_section(const BottleneckRecord& r);

}  // namespace haywatt::report
