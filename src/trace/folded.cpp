#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "haywatt/trace/stacks.hpp"

namespace haywatt::trace {
namespace {

/// The form knows no escapes: ';' separates frames, a newline lines.
std::string plain(const FrameRecord& frame) {
  std::string text = frame.function == "[unknown]" && !frame.module.empty() ? "[" + frame.module + "]" : frame.function;
  for (char& c : text)
    if (c == ';' || c == '\n' || c == '\r') c = c == ';' ? ':' : ' ';
  return text;
}

}  // namespace

std::string to_folded(const StackProfile& stacks) {
  std::string out;
  std::vector<std::string> path;
  for (const StackNode& node : stacks.nodes) {
    if (node.self_s <= 0.0) continue;
    path.clear();
    for (const StackNode* at = &node;; at = &stacks.nodes[static_cast<std::size_t>(at->parent)]) {
      path.push_back(plain(stacks.frames[at->frame]));
      if (at->parent < 0) break;
    }
    const double count = stacks.period_s > 0.0 ? node.self_s / stacks.period_s : static_cast<double>(node.samples);
    out += fmt::format("{} {}\n", fmt::join(path.rbegin(), path.rend(), ";"), std::max(1L, std::lround(count)));
  }
  return out;
}

}  // namespace haywatt::trace
