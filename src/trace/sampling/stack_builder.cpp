#include "trace/sampling/stack_builder.hpp"

#include <algorithm>
#include <numeric>

#include "trace/sampling/demangle.hpp"

namespace haywatt::trace {
namespace {

/// While collecting; a hostile program's stacks are endless.
constexpr std::size_t most_nodes_collected = 1'000'000, most_frames = 500'000, most_nodes = 50'000;

const FrameRecord others{"[others]", "", "", 0};

}  // namespace

std::uint32_t StackBuilder::frame(const FrameRecord& frame) {
  const FrameRecord& kept = frames_.size() < most_frames ? frame : others;
  std::string key = kept.module + '\0' + kept.function + '\0' + kept.file + '\0' + std::to_string(kept.line);
  const auto [at, is_new] = frame_numbers_.try_emplace(std::move(key), static_cast<std::uint32_t>(frames_.size()));
  if (is_new) frames_.push_back(kept);
  return at->second;
}

std::uint32_t StackBuilder::node(std::int32_t parent, std::uint32_t frame) {
  const std::uint64_t key = std::uint64_t{static_cast<std::uint32_t>(parent)} << 32 | frame;
  const auto known = node_numbers_.find(key);
  if (known != node_numbers_.end()) return known->second;
  if (nodes_.size() >= most_nodes_collected && parent >= 0) return static_cast<std::uint32_t>(parent);
  const auto number = static_cast<std::uint32_t>(nodes_.size());
  node_numbers_.emplace(key, number);
  nodes_.push_back({parent, frame, 0, 0.0});
  return number;
}

void StackBuilder::add(std::span<const std::uint32_t> frames, std::uint64_t samples, double seconds) {
  if (frames.empty()) return;
  std::int32_t at = -1;
  for (const std::uint32_t f : frames) at = static_cast<std::int32_t>(node(at, f));
  nodes_[static_cast<std::size_t>(at)].samples += samples;
  nodes_[static_cast<std::size_t>(at)].self_s += seconds;
  samples_ += samples;
}

void StackBuilder::finish(StackProfile& profile) const {
  std::vector<double> total(nodes_.size());
  for (std::size_t i = nodes_.size(); i-- > 0;) {
    total[i] += nodes_[i].self_s;
    if (nodes_[i].parent >= 0) total[static_cast<std::size_t>(nodes_[i].parent)] += total[i];
  }
  // A caller has at least the time of what it calls and a smaller number: it is never left out before it.
  std::vector<std::uint32_t> order(nodes_.size());
  std::iota(order.begin(), order.end(), 0U);
  if (order.size() > most_nodes)
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return total[a] > total[b]; });
  std::vector<bool> kept(nodes_.size());
  for (std::size_t i = 0; i < std::min(order.size(), most_nodes); ++i) kept[order[i]] = true;
  std::vector<std::int32_t> place(nodes_.size(), -1);
  std::vector<std::int64_t> frame_place(frames_.size(), -1);
  Demangler demangle;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const StackNode& n = nodes_[i];
    const std::int32_t parent = n.parent < 0 ? -1 : place[static_cast<std::size_t>(n.parent)];
    if (!kept[i]) {
      place[i] = parent;
      if (parent < 0) continue;
      profile.nodes[static_cast<std::size_t>(parent)].samples += n.samples;
      profile.nodes[static_cast<std::size_t>(parent)].self_s += n.self_s;
      continue;
    }
    std::int64_t& frame = frame_place[n.frame];
    if (frame < 0) {
      frame = static_cast<std::int64_t>(profile.frames.size());
      profile.frames.push_back(frames_[n.frame]);
      profile.frames.back().function = demangle(frames_[n.frame].function);
    }
    place[i] = static_cast<std::int32_t>(profile.nodes.size());
    profile.nodes.push_back({parent, static_cast<std::uint32_t>(frame), n.samples, n.self_s});
  }
  profile.samples = samples_;
}

void each_stack(const StackProfile& stacks,
                const std::function<void(std::span<const FrameRecord* const>, const StackNode&)>& visit) {
  std::vector<const FrameRecord*> path;
  for (const StackNode& node : stacks.nodes) {
    if (node.samples == 0 && node.self_s <= 0.0) continue;
    path.clear();
    const StackNode* at = &node;
    for (; at->parent >= 0; at = &stacks.nodes[static_cast<std::size_t>(at->parent)])
      path.push_back(&stacks.frames[at->frame]);
    path.push_back(&stacks.frames[at->frame]);
    std::reverse(path.begin(), path.end());
    visit(path, node);
  }
}

}  // namespace haywatt::trace
