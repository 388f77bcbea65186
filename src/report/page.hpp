/// What all pages have around what they say.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "report/frame.hpp"

namespace haywatt::report {

/// Markup: whoever fills it in escapes.
struct PageHead {
  std::string kind;  ///< "profile", in the window's title and above the heading
  std::string title, subject, started, version;
};

/// A page that needs no script of ours: `body` with its parts filled in, in the frame.
[[nodiscard]] std::string whole_page(const PageHead& head, std::string_view body, const Parts& parts);

/// What a page needs to draw charts.
struct PageCharts {
  std::string_view script;   ///< draws them from `data`
  std::string_view without;  ///< what somebody without JavaScript misses, in a sentence
};
/// The same with Chart.js, a switch between light and dark, and the data as JSON.
[[nodiscard]] std::string whole_page(const PageHead& head, std::string_view body, const Parts& parts,
                                     const PageCharts& charts, const nlohmann::json& data);

}  // namespace haywatt::report
