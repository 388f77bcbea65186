#include <nlohmann/json.hpp>
#include <vector>

#include "haywatt/trace/stacks.hpp"

namespace haywatt::trace {

std::string to_speedscope(const StackProfile& stacks, const std::string& name) {
  using nlohmann::json;
  json frames = json::array(), samples = json::array(), weights = json::array();
  for (const FrameRecord& f : stacks.frames) {
    json frame = {{"name", f.function}};
    if (!f.file.empty() || !f.module.empty()) frame["file"] = f.file.empty() ? f.module : f.file;
    if (f.line > 0) frame["line"] = f.line;
    frames.push_back(std::move(frame));
  }
  double sum = 0.0;
  for (const StackNode& node : stacks.nodes) {
    if (node.self_s <= 0.0) continue;
    std::vector<std::uint32_t> path;
    for (const StackNode* at = &node;; at = &stacks.nodes[static_cast<std::size_t>(at->parent)]) {
      path.push_back(at->frame);
      if (at->parent < 0) break;
    }
    samples.push_back(json(std::vector<std::uint32_t>(path.rbegin(), path.rend())));
    weights.push_back(node.self_s);
    sum += node.self_s;
  }
  const json file = {{"$schema", "https://www.speedscope.app/file-format-schema.json"},
                     {"exporter", "haywatt"},
                     {"name", name},
                     {"activeProfileIndex", 0},
                     {"shared", {{"frames", std::move(frames)}}},
                     {"profiles", json::array({{{"type", "sampled"},
                                                {"name", name},
                                                {"unit", "seconds"},
                                                {"startValue", 0},
                                                {"endValue", sum},
                                                {"samples", std::move(samples)},
                                                {"weights", std::move(weights)}}})}};
  return file.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace haywatt::trace
