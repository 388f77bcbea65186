/// A page's frame and what goes into it.
#pragma once
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace haywatt::report {

using Parts = std::map<std::string, std::string, std::less<>>;

/// Puts each part where the frame says {{name}}. What a part holds is not looked at again, so braces in data are inert.
[[nodiscard]] std::string fill_in(std::string_view frame, const Parts& parts);

}  // namespace haywatt::report
