#include "haywatt/metrics/roofline.hpp"

#include <algorithm>

namespace haywatt::metrics {

double attainable_flops_per_s(double flops_per_B, const ComputePeak& compute, const MemoryPeak& memory) {
  return std::min(compute.flops_per_s, flops_per_B * memory.bytes_per_s);
}

const ComputePeak* find_peak(const std::vector<ComputePeak>& peaks, const std::string& dtype, int threads) {
  const ComputePeak* found = nullptr;
  for (const ComputePeak& p : peaks)
    if (p.dtype == dtype && p.threads <= threads && (found == nullptr || p.threads > found->threads)) found = &p;
  return found;
}

const MemoryPeak* find_level(const std::vector<MemoryPeak>& peaks, double working_set_B, int threads) {
  const MemoryPeak* found = nullptr;
  const auto smaller = [](const MemoryPeak& a, const MemoryPeak& b) {
    if (a.size_B == 0.0 || b.size_B == 0.0) return b.size_B == 0.0 && a.size_B != 0.0;
    return a.size_B < b.size_B;
  };
  for (const MemoryPeak& p : peaks) {
    if (p.threads > threads || (p.size_B != 0.0 && p.size_B < working_set_B)) continue;
    if (found == nullptr || smaller(p, *found) || (p.level == found->level && p.threads > found->threads)) found = &p;
  }
  return found;
}

namespace {

/// The largest level below `level` of one thread; nullptr for the nearest.
const MemoryPeak* next_nearer(const std::vector<MemoryPeak>& peaks, const MemoryPeak& level) {
  const MemoryPeak* found = nullptr;
  for (const MemoryPeak& p : peaks)
    if (p.threads == 1 && p.size_B > 0.0 && (level.size_B == 0.0 || p.size_B < level.size_B) &&
        (found == nullptr || p.size_B > found->size_B))
      found = &p;
  return found;
}

}  // namespace

std::optional<RooflinePosition> roofline_position(const OperatorRecord& op, const std::vector<ComputePeak>& compute,
                                                  const std::vector<MemoryPeak>& memory) {
  const double bytes = op.read_B + op.written_B;
  const double seconds = op.device_s > 0.0 ? op.device_s : op.cpu_s > 0.0 ? op.cpu_s : op.wall_s;
  if (!(op.flops > 0.0) || op.read_B < 0.0 || op.written_B < 0.0 || !(bytes > 0.0) || !(seconds > 0.0) || op.calls == 0)
    return {};
  const ComputePeak* peak = find_peak(compute, op.dtype, 1);
  const MemoryPeak* level = find_level(memory, bytes / static_cast<double>(op.calls), 1);
  if (peak == nullptr || level == nullptr) return {};
  RooflinePosition p;
  p.flops_per_B = op.flops / bytes;
  p.flops_per_s = op.flops / seconds;
  // Data that came faster than this level gives it came from a nearer one.
  while (const MemoryPeak* nearer = next_nearer(memory, *level)) {
    if (bytes / seconds <= level->bytes_per_s) break;
    level = nearer;
  }
  p.attainable = attainable_flops_per_s(p.flops_per_B, *peak, *level);
  p.share = p.flops_per_s / p.attainable;
  p.compute_bound = p.attainable >= peak->flops_per_s;
  p.level = level->level;
  return p;
}

}  // namespace haywatt::metrics
