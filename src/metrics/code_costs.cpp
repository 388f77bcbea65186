#include "haywatt/metrics/code_costs.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <tuple>

namespace haywatt::metrics {
namespace {

constexpr const char* process_module = "process";

std::vector<double> totals(const StackProfile& stacks) {
  std::vector<double> total(stacks.nodes.size());
  for (std::size_t i = total.size(); i-- > 0;) {
    total[i] += stacks.nodes[i].self_s;
    if (stacks.nodes[i].parent >= 0) total[static_cast<std::size_t>(stacks.nodes[i].parent)] += total[i];
  }
  return total;
}

/// Costs by what `key` gives a frame, a number below `count`.
std::vector<CodeCost> costs(const StackProfile& stacks, std::size_t count,
                            const std::function<std::size_t(std::uint32_t)>& key) {
  std::vector<CodeCost> list(count);
  const std::vector<double> total = totals(stacks);
  for (std::size_t i = 0; i < stacks.nodes.size(); ++i) {
    const StackNode& n = stacks.nodes[i];
    CodeCost& cost = list[key(n.frame)];
    cost.self_s += n.self_s;
    cost.samples += n.samples;
    bool outermost = true;
    for (std::int32_t up = n.parent; up >= 0 && outermost; up = stacks.nodes[static_cast<std::size_t>(up)].parent)
      outermost = key(stacks.nodes[static_cast<std::size_t>(up)].frame) != key(n.frame);
    if (outermost) cost.total_s += total[i];
  }
  return list;
}

void order(std::vector<CodeCost>& list) {
  std::erase_if(list, [](const CodeCost& c) { return c.module == process_module || c.total_s <= 0.0; });
  std::stable_sort(list.begin(), list.end(), [](const CodeCost& a, const CodeCost& b) {
    return std::tie(a.self_s, a.total_s) > std::tie(b.self_s, b.total_s);
  });
}

}  // namespace

std::vector<CodeCost> function_costs(const StackProfile& stacks) {
  std::vector<CodeCost> list =
      costs(stacks, stacks.frames.size(), [](std::uint32_t frame) { return std::size_t{frame}; });
  for (std::size_t i = 0; i < list.size(); ++i) {
    list[i].function = stacks.frames[i].function;
    list[i].module = stacks.frames[i].module;
  }
  order(list);
  return list;
}

std::vector<CodeCost> module_costs(const StackProfile& stacks) {
  std::map<std::string, std::size_t> numbers;
  std::vector<std::size_t> of_frame;
  for (const FrameRecord& f : stacks.frames)
    of_frame.push_back(numbers.try_emplace(f.module, numbers.size()).first->second);
  std::vector<CodeCost> list = costs(stacks, numbers.size(), [&](std::uint32_t frame) { return of_frame[frame]; });
  for (const auto& [module, number] : numbers) list[number].module = module;
  order(list);
  return list;
}

void fit_to(StackProfile& stacks, double used_s) {
  const double all_s = sampled_s(stacks);
  if (all_s <= used_s || used_s <= 0.0) return;
  for (StackNode& n : stacks.nodes) n.self_s *= used_s / all_s;
}

double sampled_s(const StackProfile& stacks) {
  double sum = 0.0;
  for (const StackNode& n : stacks.nodes) sum += n.self_s;
  return sum;
}

}  // namespace haywatt::metrics
