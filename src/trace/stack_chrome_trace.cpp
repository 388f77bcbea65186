#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "haywatt/trace/stacks.hpp"

namespace haywatt::trace {

std::string stacks_to_chrome_trace(const StackProfile& stacks, const std::string& name) {
  using nlohmann::json;
  const std::size_t count = stacks.nodes.size();
  std::vector<double> total(count), start(count);
  for (std::size_t i = count; i-- > 0;) {
    total[i] += stacks.nodes[i].self_s;
    if (stacks.nodes[i].parent >= 0) total[static_cast<std::size_t>(stacks.nodes[i].parent)] += total[i];
  }
  std::vector<std::vector<std::size_t>> below(count + 1);  // the last: roots
  for (std::size_t i = 0; i < count; ++i)
    below[stacks.nodes[i].parent < 0 ? count : static_cast<std::size_t>(stacks.nodes[i].parent)].push_back(i);
  const auto place = [&](std::vector<std::size_t>& list, double from) {
    std::stable_sort(list.begin(), list.end(), [&](std::size_t a, std::size_t b) { return total[a] > total[b]; });
    for (const std::size_t i : list) {
      start[i] = from;
      from += total[i];
    }
  };
  place(below[count], 0.0);
  json events = json::array({{{"ph", "M"}, {"pid", 1}, {"name", "process_name"}, {"args", {{"name", name}}}},
                             {{"ph", "M"},
                              {"pid", 1},
                              {"tid", 1},
                              {"name", "thread_name"},
                              {"args", {{"name", "stacks by size, not by time"}}}}});
  for (std::size_t i = 0; i < count; ++i) {
    place(below[i], start[i]);
    if (total[i] <= 0.0) continue;
    const FrameRecord& f = stacks.frames[stacks.nodes[i].frame];
    events.push_back({{"ph", "X"},
                      {"pid", 1},
                      {"tid", 1},
                      {"cat", f.module},
                      {"name", f.function},
                      {"ts", 1e6 * start[i]},
                      {"dur", 1e6 * total[i]},
                      {"args", {{"self_s", stacks.nodes[i].self_s}, {"samples", stacks.nodes[i].samples}}}});
  }
  const json file = {{"traceEvents", std::move(events)}, {"displayTimeUnit", "ms"}};
  return file.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace haywatt::trace
