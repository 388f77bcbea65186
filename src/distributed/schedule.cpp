// The programs of the layouts. Sources: GPipe (Huang et al., 2019) for the pipeline with micro-batches, Megatron-LM
// (Shoeybi et al., 2019) for splitting one layer by outputs and the next by inputs, with one all-reduce for both.
#include <fmt/format.h>

#include <algorithm>

#include "haywatt/base/error.hpp"
#include "haywatt/distributed/layout.hpp"

namespace haywatt::distributed {
namespace {

using Layers = std::vector<LayerShape>;

Step message(StepKind kind, std::uint32_t activation, Range rows, int peer, bool waits = true) {
  Step s;
  s.kind = kind;
  s.index = activation;
  s.rows = rows;
  s.peer = peer;
  s.waits = waits;
  return s;
}

Step whole_layer(const Layers& layers, std::uint32_t l, Range rows) {
  Step s;
  s.index = l;
  s.rows = rows;
  s.inputs = {0, layers[l].inputs};
  s.outputs = {0, layers[l].outputs};
  return s;
}

void add_layers(Program& program, const Layers& layers, Range which, Range rows) {
  for (std::uint64_t l = which.begin; l < which.end; ++l)
    program.push_back(whole_layer(layers, static_cast<std::uint32_t>(l), rows));
}

std::vector<Program> by_rows(const Layers& layers, int ranks, std::uint64_t rows, bool scattered) {
  const auto last = static_cast<std::uint32_t>(layers.size());
  std::vector<Program> programs(ranks);
  for (int r = 1; r < ranks; ++r) {
    const Range part = part_of(rows, ranks, r);
    if (part.size() == 0) continue;
    const Range token{part.begin, part.begin};
    if (scattered) {
      programs[0].push_back(message(StepKind::Send, 0, part, r));
      programs[r].push_back(message(StepKind::Receive, 0, part, 0));
    }
    add_layers(programs[r], layers, {0, layers.size()}, part);
    programs[r].push_back(message(StepKind::Send, last, scattered ? part : token, 0));
  }
  add_layers(programs[0], layers, {0, layers.size()}, part_of(rows, ranks, 0));
  for (int r = 1; r < ranks; ++r) {
    const Range part = part_of(rows, ranks, r);
    if (part.size() == 0) continue;
    programs[0].push_back(message(StepKind::Receive, last, scattered ? part : Range{part.begin, part.begin}, r));
  }
  return programs;
}

std::vector<Program> by_layers(const Layers& layers, int ranks, std::uint64_t rows, std::uint64_t micro_batches,
                               bool overlap) {
  std::vector<Range> stages;
  for (const Range& s : balanced_stages(layers, ranks))
    if (s.size() > 0) stages.push_back(s);
  const int used = static_cast<int>(stages.size());
  const auto last = static_cast<std::uint32_t>(layers.size());
  const std::uint64_t count = std::min(micro_batches, rows);
  std::vector<Program> programs(ranks);
  for (std::uint64_t m = 0; m < count; ++m) {
    const Range part = part_of(rows, count, m);
    for (int r = 0; r < used; ++r) {
      const auto first = static_cast<std::uint32_t>(stages[r].begin), next = static_cast<std::uint32_t>(stages[r].end);
      if (r > 0) programs[r].push_back(message(StepKind::Receive, first, part, r - 1, !overlap));
      add_layers(programs[r], layers, stages[r], part);
      if (used > 1) programs[r].push_back(message(StepKind::Send, next, part, (r + 1) % used, !overlap));
    }
  }
  if (used > 1)
    for (std::uint64_t m = 0; m < count; ++m)
      programs[0].push_back(message(StepKind::Receive, last, part_of(rows, count, m), used - 1, !overlap));
  return programs;
}

std::vector<Program> by_tensor(const Layers& layers, int ranks, std::uint64_t rows) {
  if (layers.size() % 2 != 0) fail_usage("the tensor layout needs an even number of layers");
  const Range all{0, rows};
  std::vector<Program> programs(ranks);
  for (int r = 0; r < ranks; ++r) {
    Program& p = programs[r];
    if (r > 0) p.push_back(message(StepKind::Receive, 0, all, 0));
    for (int to = 1; r == 0 && to < ranks; ++to) p.push_back(message(StepKind::Send, 0, all, to));
    for (std::uint32_t l = 0; l < layers.size(); l += 2) {
      const Range slice = part_of(layers[l].outputs, ranks, r);
      Step column = whole_layer(layers, l, all);
      column.outputs = slice;
      Step row = whole_layer(layers, l + 1, all);
      row.inputs = slice;
      p.push_back(column);
      p.push_back(row);
      if (ranks == 1) continue;
      p.push_back(message(StepKind::AllReduce, l + 2, all, -1));
      Step finish = whole_layer(layers, l + 1, all);
      finish.kind = StepKind::Finish;
      p.push_back(finish);
    }
  }
  return programs;
}

}  // namespace

std::vector<Range> balanced_stages(const Layers& layers, int ranks) {
  // best[r][l]: the least possible largest stage when the first l layers are on r ranks. Sizes are tiny.
  const std::size_t n = layers.size();
  std::vector<std::uint64_t> before(n + 1, 0);
  for (std::size_t l = 0; l < n; ++l) before[l + 1] = before[l] + layers[l].macs_per_row();
  const std::size_t parts = std::min<std::size_t>(ranks, n);
  std::vector<std::vector<std::uint64_t>> best(parts + 1, std::vector<std::uint64_t>(n + 1, UINT64_MAX));
  std::vector<std::vector<std::size_t>> cut(parts + 1, std::vector<std::size_t>(n + 1, 0));
  best[0][0] = 0;
  for (std::size_t r = 1; r <= parts; ++r)
    for (std::size_t l = r; l <= n; ++l)
      for (std::size_t from = r - 1; from < l; ++from) {
        if (best[r - 1][from] == UINT64_MAX) continue;
        const std::uint64_t largest = std::max(best[r - 1][from], before[l] - before[from]);
        if (largest < best[r][l]) {
          best[r][l] = largest;
          cut[r][l] = from;
        }
      }
  std::vector<Range> stages(ranks, Range{n, n});
  std::size_t end = n;
  for (std::size_t r = parts; r > 0; --r) {
    stages[r - 1] = {cut[r][end], end};
    end = cut[r][end];
  }
  return stages;
}

std::vector<Program> schedule(Layout layout, const Layers& layers, int ranks, std::uint64_t rows,
                              std::uint64_t micro_batches) {
  if (ranks < 1) fail_usage(fmt::format("{} ranks: at least 1 is needed", ranks));
  if (rows < 1 || micro_batches < 1) fail_usage("a batch and the number of micro-batches are at least 1");
  switch (layout) {
    case Layout::Single: {
      std::vector<Program> programs(ranks);
      add_layers(programs[0], layers, {0, layers.size()}, {0, rows});
      return programs;
    }
    case Layout::Data:
      return by_rows(layers, ranks, rows, true);
    case Layout::Shards:
      return by_rows(layers, ranks, rows, false);
    case Layout::Pipeline:
      return by_layers(layers, ranks, rows, micro_batches, false);
    case Layout::PipelineOverlap:
      return by_layers(layers, ranks, rows, micro_batches, true);
    case Layout::Tensor:
      break;
  }
  return by_tensor(layers, ranks, rows);
}

}  // namespace haywatt::distributed
