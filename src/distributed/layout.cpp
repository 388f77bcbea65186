#include "haywatt/distributed/layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "haywatt/base/error.hpp"

namespace haywatt::distributed {
namespace {

constexpr std::uint64_t widest = std::uint64_t{1} << 20;

struct Named {
  Layout layout;
  std::string_view name;
};
constexpr Named names[] = {{Layout::Single, "single"},
                           {Layout::Data, "data"},
                           {Layout::Shards, "shards"},
                           {Layout::Pipeline, "pipeline"},
                           {Layout::PipelineOverlap, "pipeline-overlap"},
                           {Layout::Tensor, "tensor"}};

}  // namespace

std::vector<LayerShape> wide_autoencoder(std::uint64_t columns, std::uint64_t latent, std::uint64_t widen) {
  for (const std::uint64_t size : {columns, latent, widen})
    if (size == 0 || size > widest) fail_usage(fmt::format("a network of size {}: write 1 to {}", size, widest));
  const std::uint64_t sizes[] = {columns,    200 * widen, 100 * widen, 50 * widen, latent,
                                 50 * widen, 100 * widen, 200 * widen, columns};
  std::vector<LayerShape> layers;
  for (std::size_t i = 0; i < 8; ++i) {
    if (sizes[i + 1] > widest)
      fail_usage(fmt::format("a layer of {} values: at most {} are possible", sizes[i + 1], widest));
    layers.push_back({sizes[i], sizes[i + 1], i != 3 && i != 7});
  }
  return layers;
}

std::uint64_t macs_per_row(const std::vector<LayerShape>& layers) {
  std::uint64_t sum = 0;
  for (const LayerShape& l : layers) sum += l.macs_per_row();
  return sum;
}

std::uint64_t weight_bytes(const std::vector<LayerShape>& layers) {
  std::uint64_t sum = 0;
  for (const LayerShape& l : layers) sum += sizeof(float) * (l.inputs + 1) * l.outputs;
  return sum;
}

std::string_view name(Layout layout) {
  return std::find_if(std::begin(names), std::end(names), [&](const Named& n) { return n.layout == layout; })->name;
}

Layout layout_named(std::string_view text) {
  std::string known;
  for (const Named& n : names) {
    if (n.name == text) return n.layout;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", n.name);
  }
  fail_usage(fmt::format("layout '{}': there are {}", text, known));
}

const std::vector<Layout>& all_layouts() {
  static const std::vector<Layout> list = [] {
    std::vector<Layout> all;
    for (const Named& n : names) all.push_back(n.layout);
    return all;
  }();
  return list;
}

bool is_model_parallel(Layout layout) {
  return layout == Layout::Pipeline || layout == Layout::PipelineOverlap || layout == Layout::Tensor;
}

Range part_of(std::uint64_t count, std::uint64_t parts, std::uint64_t i) {
  const std::uint64_t each = count / parts, larger = count % parts;
  const std::uint64_t begin = i * each + std::min(i, larger);
  return {begin, begin + each + (i < larger ? 1 : 0)};
}

std::uint64_t activation_width(const Program& program, const std::vector<LayerShape>& layers, std::uint32_t index) {
  for (const Step& s : program) {
    if (s.kind != StepKind::Layer) continue;
    if (s.index == index) return s.inputs.size();
    if (s.index + 1 == index) return s.outputs.size();
  }
  return index == 0 ? layers.front().inputs : layers.at(index - 1).outputs;
}

std::uint64_t message_bytes(const Step& step, const std::vector<LayerShape>& layers) {
  if (step.kind != StepKind::Send && step.kind != StepKind::Receive && step.kind != StepKind::AllReduce) return 0;
  const std::uint64_t width = step.index == 0 ? layers.front().inputs : layers.at(step.index - 1).outputs;
  return step.rows.size() * width * sizeof(float);
}

RankMemory memory_of(const Program& program, const std::vector<LayerShape>& layers) {
  std::map<std::uint32_t, Range> rows;  // of each activation held
  std::set<std::pair<std::uint32_t, std::pair<Range, Range>>> weights;
  RankMemory memory;
  const auto hold = [&](std::uint32_t index, Range part) {
    Range& held = rows.try_emplace(index, part).first->second;
    held = {std::min(held.begin, part.begin), std::max(held.end, part.end)};
  };
  for (const Step& s : program) {
    if (s.kind == StepKind::Layer) {
      hold(s.index, s.rows);
      hold(s.index + 1, s.rows);
      if (weights.insert({s.index, {s.inputs, s.outputs}}).second)
        memory.weights_B += sizeof(float) * (s.inputs.size() + 1) * s.outputs.size();
    } else if (s.kind == StepKind::Send || s.kind == StepKind::Receive) {
      hold(s.index, s.rows);
    }
  }
  for (const auto& [index, part] : rows)
    memory.activations_B += part.size() * activation_width(program, layers, index) * sizeof(float);
  return memory;
}

}  // namespace haywatt::distributed
