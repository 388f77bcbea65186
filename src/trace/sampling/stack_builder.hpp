/// Collects samples as a call tree. Not thread-safe.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "haywatt/record/profile.hpp"

namespace haywatt::trace {

class StackBuilder {
 public:
  /// The number of a frame, the same for the same place. The function's name is as the linker knows it.
  [[nodiscard]] std::uint32_t frame(const FrameRecord& frame);
  /// `frames` from the outermost to the innermost; `seconds` that it stands for.
  void add(std::span<const std::uint32_t> frames, std::uint64_t samples, double seconds);
  [[nodiscard]] std::uint64_t samples() const { return samples_; }
  /// Frames demangled, at most 50,000 nodes: what is beyond is added to the callers.
  void finish(StackProfile& profile) const;

 private:
  std::uint32_t node(std::int32_t parent, std::uint32_t frame);

  std::vector<FrameRecord> frames_;
  std::unordered_map<std::string, std::uint32_t> frame_numbers_;
  std::vector<StackNode> nodes_;
  std::unordered_map<std::uint64_t, std::uint32_t> node_numbers_;
  std::uint64_t samples_ = 0;
};

/// Calls visit(frames, node) for each stack that has time of its own: its frames from the root, and its node.
void each_stack(const StackProfile& stacks,
                const std::function<void(std::span<const FrameRecord* const>, const StackNode&)>& visit);

}  // namespace haywatt::trace
