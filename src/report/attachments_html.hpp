/// What stands in a study's page of profiles and bottlenecks.
#pragma once
#include <string>

#include "haywatt/report/attachments.hpp"

namespace haywatt::report {

/// A section, every text of the records escaped; empty if there is none.
[[nodiscard]] std::string attachments_html(const Attachments& attachments);

}  // namespace haywatt::report
