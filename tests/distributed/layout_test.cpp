#include "haywatt/distributed/layout.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "haywatt/base/error.hpp"

namespace haywatt::distributed {
namespace {

std::uint64_t macs_of(const Program& program) {
  std::uint64_t sum = 0;
  for (const Step& s : program)
    if (s.kind == StepKind::Layer) sum += s.rows.size() * s.inputs.size() * s.outputs.size();
  return sum;
}

TEST(Layout, TheUnwidenedNetworkIsBalersOwn) {
  const auto layers = wide_autoencoder(24, 15, 1);
  EXPECT_EQ(macs_per_row(layers), 2U * 30'550U);
  EXPECT_EQ(weight_bytes(layers), 4U * 61'839U);
}

TEST(Layout, EveryLayoutDoesAllTheWorkOnce) {
  for (const std::uint64_t widen : {1U, 4U})
    for (const int ranks : {1, 2, 3, 5, 9})
      for (const std::uint64_t rows : {1U, 2U, 7U, 64U})
        for (const Layout layout : all_layouts()) {
          const auto layers = wide_autoencoder(24, 15, widen);
          std::uint64_t macs = 0;
          for (const Program& p : schedule(layout, layers, ranks, rows, 4)) macs += macs_of(p);
          EXPECT_EQ(macs, rows * macs_per_row(layers))
              << name(layout) << " on " << ranks << " ranks, " << rows << " rows";
        }
}

TEST(Layout, WhatIsSentIsReceivedInTheSameOrder) {
  const auto layers = wide_autoencoder(24, 15, 2);
  for (const int ranks : {2, 3, 8})
    for (const Layout layout : all_layouts()) {
      std::map<std::pair<int, int>, std::vector<std::pair<std::uint32_t, Range>>> sent, received;
      const auto programs = schedule(layout, layers, ranks, 21, 5);
      for (int r = 0; r < ranks; ++r)
        for (const Step& s : programs[r]) {
          if (s.kind == StepKind::Send) sent[{r, s.peer}].push_back({s.index, s.rows});
          if (s.kind == StepKind::Receive) received[{s.peer, r}].push_back({s.index, s.rows});
        }
      EXPECT_EQ(sent, received) << name(layout) << " on " << ranks;
    }
}

TEST(Layout, ModelParallelRanksHoldTheirPartOfTheWeights) {
  const auto layers = wide_autoencoder(24, 15, 16);
  for (const Layout layout : {Layout::Pipeline, Layout::Tensor}) {
    std::uint64_t sum = 0;
    for (const Program& p : schedule(layout, layers, 2, 32, 4)) {
      const std::uint64_t held = memory_of(p, layers).weights_B;
      EXPECT_LT(held, weight_bytes(layers) * 6 / 10) << name(layout);
      sum += held;
    }
    EXPECT_NEAR(static_cast<double>(sum), static_cast<double>(weight_bytes(layers)),
                0.01 * static_cast<double>(weight_bytes(layers)));
  }
  for (const Program& p : schedule(Layout::Data, layers, 2, 32, 4))
    EXPECT_EQ(memory_of(p, layers).weights_B, weight_bytes(layers));
}

TEST(Layout, StagesAreBalancedAndContiguous) {
  const auto layers = wide_autoencoder(24, 15, 1);
  const auto two = balanced_stages(layers, 2);
  EXPECT_EQ(two[0], (Range{0, 4}));
  EXPECT_EQ(two[1], (Range{4, 8}));
  for (const int ranks : {1, 2, 3, 4, 8, 20}) {
    std::uint64_t next = 0, used = 0;
    for (const Range& s : balanced_stages(layers, ranks)) {
      if (s.size() == 0) continue;
      EXPECT_EQ(s.begin, next);
      next = s.end;
      ++used;
    }
    EXPECT_EQ(next, 8U);
    EXPECT_EQ(used, std::min<std::uint64_t>(ranks, 8));
  }
}

TEST(Layout, MistakesAreToldAsSuch) {
  const auto layers = wide_autoencoder(24, 15, 1);
  EXPECT_THROW(static_cast<void>(schedule(Layout::Data, layers, 0, 1, 1)), Error);
  EXPECT_THROW(static_cast<void>(schedule(Layout::Data, layers, 1, 0, 1)), Error);
  EXPECT_THROW(static_cast<void>(schedule(Layout::Pipeline, layers, 1, 1, 0)), Error);
  EXPECT_THROW(static_cast<void>(wide_autoencoder(24, 0, 1)), Error);
  EXPECT_THROW(static_cast<void>(wide_autoencoder(24, 15, 1'000'000)), Error);
  EXPECT_THROW(static_cast<void>(layout_named("torus")), Error);
}

}  // namespace
}  // namespace haywatt::distributed
