/// The parts of a profile that stand in any page. Each returns HTML in which every text of the record is escaped.
#pragma once
#include <string>

#include "haywatt/record/profile.hpp"
#include "report/profile_view.hpp"

namespace haywatt::report {

[[nodiscard]] std::string profile_headline_html(const ProfileRecord& record, const ProfileView& view);
/// Operators, roofline, flame graph and functions, each a section if there is something to show. `id` keeps the parts
/// of several profiles apart.
[[nodiscard]] std::string profile_sections(const ProfileRecord& record, const ProfileView& view, const std::string& id);
[[nodiscard]] std::string profile_notes_html(const ProfileRecord& record);

}  // namespace haywatt::report
