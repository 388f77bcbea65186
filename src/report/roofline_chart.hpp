/// The roofline of a profile as an inline SVG that stands without JavaScript.
#pragma once
#include <string>

#include "report/profile_view.hpp"

namespace haywatt::report {

/// Operators as circles (area: CPU time) under the roofs of one thread. Empty if no operator has a place. At most the
/// 200 that took most CPU time.
[[nodiscard]] std::string roofline_chart(const ProfileRecord& record, const ProfileView& view);

}  // namespace haywatt::report
