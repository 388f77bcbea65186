/// The flame graph of a sampled profile, as a part of a page.
#pragma once
#include <string>

#include "haywatt/record/profile.hpp"

namespace haywatt::report {

/// A figure with its own style and script: boxes from the caller (above) to the called (below), as wide as their share
/// of the time; hovering tells, a click enlarges, a field searches. It needs style.css's colours and nothing else,
/// shows everything at once without JavaScript, and is below 1 MB: boxes narrower than 0.1 % are left out, and so are
/// the narrowest if there are more than 3,000. All text of the record is escaped. Empty if nothing was sampled.
[[nodiscard]] std::string flame_graph(const StackProfile& stacks);

}  // namespace haywatt::report
