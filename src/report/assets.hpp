/// The files of src/report/assets and Chart.js, embedded at build time (cmake/EmbedFiles.cmake).
#pragma once
#include <string_view>

namespace haywatt::report::assets {

extern const std::string_view frame;  ///< frame.html: what is around all pages, with {{name}} where something goes
/// What is within: a study's, a metered program's, …
extern const std::string_view page, program_page, bottleneck_page, compare_page, layouts_page, profile_page,
    ladder_page;
extern const std::string_view style;           ///< style.css
extern const std::string_view common;          ///< common.js: what the scripts of all pages share
extern const std::string_view charts;          ///< charts.js
extern const std::string_view program_charts;  ///< program.js
extern const std::string_view compare_charts;  ///< compare.js
extern const std::string_view layouts_charts;  ///< layouts.js
extern const std::string_view flame_style;     ///< flame.css
extern const std::string_view flame_script;    ///< flame.js
extern const std::string_view chartjs;         ///< Chart.js, MIT licence, its notice included

}  // namespace haywatt::report::assets
