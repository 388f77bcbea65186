#include "trace/sampling/stack_collector.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "haywatt/base/text.hpp"

namespace haywatt::trace {
namespace {

constexpr const char* process_module = "process";

/// Stacks of one interpreter that are given up for py-spy's.
struct Given {
  std::string name;
  double seconds = 0.0;
  std::uint64_t samples = 0;
};

}  // namespace

void StackCollector::add(pid_t pid, const std::string& name, bool python, std::vector<std::uint32_t>& frames,
                         bool whole, double seconds) {
  if (!whole) {
    ++broken_;
    frames.push_back(frame({"[incomplete]", "", "", 0}));
  }
  frames.push_back(frame({python ? fmt::format("{}\n{}", name, pid) : name, process_module, "", 0}));
  std::reverse(frames.begin(), frames.end());
  builder_.add(frames, 1, seconds);
  if (python) python_.saw(pid);
}

void StackCollector::add_without_stack(const std::string& name, const char* why, std::uint64_t samples,
                                       double seconds) {
  const std::uint32_t frames[] = {frame({name, process_module, "", 0}), frame({why, "", "", 0})};
  builder_.add(frames, samples, seconds);
}

void StackCollector::finish(Sampled& result) {
  const auto python = python_.finish(result.notes);
  StackProfile& p = result.stacks;
  builder_.finish(p);
  if (broken_ > 0)
    result.notes.push_back(fmt::format(
        "{} of {} stacks could not be followed to their beginning and hang below [incomplete]", broken_, p.samples));
  p = with_python(p, python);
  if (!python.empty()) {
    p.by += "; py-spy for Python";
    result.notes.emplace_back(
        "stacks of Python programs are py-spy's, taken by wall-clock time; they share out the CPU time sampled");
  }
}

StackProfile with_python(const StackProfile& stacks, const std::map<pid_t, std::vector<PythonStack>>& python) {
  StackBuilder builder;
  std::map<pid_t, Given> given;
  std::vector<std::uint32_t> path;
  each_stack(stacks, [&](std::span<const FrameRecord* const> frames, const StackNode& node) {
    FrameRecord root = *frames.front();
    if (const auto mark = root.function.rfind('\n'); root.module == process_module && mark != std::string::npos) {
      const auto pid = static_cast<pid_t>(parse_u64(root.function.substr(mark + 1)).value_or(0));
      root.function.resize(mark);
      if (python.contains(pid)) {
        Given& g = given[pid];
        g.name = root.function;
        g.seconds += node.self_s;
        g.samples += node.samples;
        return;
      }
    }
    path = {builder.frame(root)};
    for (const FrameRecord* f : frames.subspan(1)) path.push_back(builder.frame(*f));
    builder.add(path, node.samples, node.self_s);
  });
  for (const auto& interpreter : given) {
    const auto& list = python.at(interpreter.first);
    const Given& g = interpreter.second;
    std::uint64_t all = 0, before = 0;
    for (const PythonStack& s : list) all += s.count;
    for (const PythonStack& s : list) {
      path = {builder.frame({g.name, process_module, "", 0})};
      for (const FrameRecord& f : s.frames) path.push_back(builder.frame(f));
      const double share = static_cast<double>(s.count) / static_cast<double>(all);
      // Samples stay whole and add up.
      const auto so_far = [&](std::uint64_t count) {
        return static_cast<std::uint64_t>(static_cast<double>(g.samples) * static_cast<double>(count) /
                                          static_cast<double>(all));
      };
      builder.add(path, so_far(before + s.count) - so_far(before), share * g.seconds);
      before += s.count;
    }
  }
  StackProfile result = stacks;
  result.frames.clear();
  result.nodes.clear();
  builder.finish(result);
  return result;
}

}  // namespace haywatt::trace
