/// The files of src/report/assets and Chart.js, embedded at build time (cmake/EmbedFiles.cmake).
#pragma once
#include <string_view>

namespace haywatt::report::assets {

extern const std::string_view page;          ///< page.html: a study's frame, with {{name}} where the report goes
extern const std::string_view program_page;  ///< program.html: a metered program's frame
extern const std::string_view bottleneck_page;
extern const std::string_view compare_page;    ///< compare.html: a comparison's frame
extern const std::string_view layouts_page;    ///< layouts.html: a frame for layouts over ranks
extern const std::string_view profile_page;    ///< profile.html: a profile's frame
extern const std::string_view ladder_page;     ///< ladder.html: a ladder's frame
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
