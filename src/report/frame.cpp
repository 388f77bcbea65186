#include "report/frame.hpp"

namespace haywatt::report {

std::string fill_in(std::string_view frame, const Parts& parts) {
  std::string out;
  std::size_t at = 0;
  while (true) {
    const std::size_t open = frame.find("{{", at);
    out += frame.substr(at, open - at);
    if (open == std::string_view::npos) return out;
    const std::size_t close = frame.find("}}", open);
    out += parts.at(std::string(frame.substr(open + 2, close - open - 2)));
    at = close + 2;
  }
}

}  // namespace haywatt::report
