/// A profile in sentences, the same for every form.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "report/profile_view.hpp"

namespace haywatt::report {

/// Term and sentence: "Cost", "Where", "Roof", "Energy".
[[nodiscard]] std::vector<std::pair<std::string, std::string>> profile_headline(const ProfileRecord& record,
                                                                                const ProfileView& view);

/// What the columns of operators mean.
[[nodiscard]] std::vector<std::string> operator_column_words();

}  // namespace haywatt::report
