#include "haywatt/distributed/cost_model.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "haywatt/base/error.hpp"

namespace haywatt::distributed {
namespace {

/// Layers whose time is their multiply-accumulates, so that sums can be done by hand.
ComputeModel one_second_a_mac() {
  ComputeModel m;
  m.set_curve({0.0, 0.5, 0.0, 0.0, 0.0});
  return m;
}

/// Two equal layers.
const std::vector<LayerShape> pair = {{10, 10, true}, {10, 10, false}};

double time_of(Layout layout, const std::vector<LayerShape>& layers, int ranks, std::uint64_t rows, std::uint64_t micro,
               const LinkModel& link) {
  return predict(schedule(layout, layers, ranks, rows, micro), layers, company_of(layout, rows, micro),
                 one_second_a_mac(), link)
      .time_s;
}

TEST(CostModel, StagesOfASingleMicroBatchTakeTurns) {
  EXPECT_EQ(company_of(Layout::Pipeline, 1, 4), Company::Turns);
  EXPECT_EQ(company_of(Layout::PipelineOverlap, 8, 1), Company::Turns);
  EXPECT_EQ(company_of(Layout::Pipeline, 2, 4), Company::Stages);
  EXPECT_EQ(company_of(Layout::Tensor, 1, 1), Company::Slices);
}

TEST(CostModel, WithoutMessagesRowsDivideTheTime) {
  const LinkModel link = LinkModel::assumed(0.0, 0.0, 0.0);
  EXPECT_DOUBLE_EQ(time_of(Layout::Single, pair, 2, 8, 1, link), 8 * 200.0);
  EXPECT_DOUBLE_EQ(time_of(Layout::Data, pair, 2, 8, 1, link), 4 * 200.0);
  EXPECT_DOUBLE_EQ(time_of(Layout::Data, pair, 2, 1, 1, link), 200.0);
  EXPECT_DOUBLE_EQ(time_of(Layout::Tensor, pair, 2, 8, 1, link), 4 * 200.0);
}

TEST(CostModel, ThePipelinesBubbleIsGPipes) {
  // Huang et al.: of m + p - 1 slots each stage fills m, so time = work / p * (m + p - 1) / m.
  const LinkModel link = LinkModel::assumed(0.0, 0.0, 0.0);
  std::vector<LayerShape> layers(4, LayerShape{10, 10, true});
  for (const int p : {1, 2, 4})
    for (const std::uint64_t m : {1U, 2U, 4U, 8U})
      EXPECT_DOUBLE_EQ(time_of(Layout::PipelineOverlap, layers, p, 8, m, link),
                       8 * 400.0 / p * static_cast<double>(m + p - 1) / static_cast<double>(m))
          << p << " stages, " << m << " micro-batches";
}

TEST(CostModel, AnAllReduceOfTwoRanksIsOneExchange) {
  const double alpha = 7.0, beta = 0.25;
  const LinkModel link = LinkModel::assumed(alpha, beta, 0.0);
  const double input = alpha + beta * 8 * 10 * 4, sum = alpha + beta * 8 * 10 * 4;
  EXPECT_DOUBLE_EQ(time_of(Layout::Tensor, pair, 2, 8, 1, link), input + 4 * 200.0 + sum);
}

TEST(CostModel, SmallPartsOfAnAllReduceCrossOnTheWay) {
  // Layers of no work and a latency of 20: rank 1 starts at 20, rank 0 has its first sum at 40, rank 1 at 20, then
  // 40 and 60, 80 and 60, 80 and 100.
  const LinkModel link = LinkModel::assumed(20.0, 0.0, 0.0);
  ComputeModel nothing;
  nothing.set_curve({0.0, 0.0, 0.0, 0.0, 0.0});
  const std::vector<LayerShape> layers(8, LayerShape{10, 10, true});
  const Prediction p = predict(schedule(Layout::Tensor, layers, 2, 1, 1), layers, Company::Slices, nothing, link);
  EXPECT_DOUBLE_EQ(p.ranks[0].finish_s, 80.0);
  EXPECT_DOUBLE_EQ(p.ranks[1].finish_s, 100.0);
}

TEST(CostModel, AnAllReduceOfManyRanksIsARing) {
  const double alpha = 7.0, beta = 0.25;
  const LinkModel link = LinkModel::assumed(alpha, beta, 0.0);
  const auto programs = schedule(Layout::Tensor, pair, 5, 8, 1);
  const Prediction p = predict(programs, pair, Company::Slices, one_second_a_mac(), link);
  const double bytes = 8 * 10 * 4;
  // The input leaves rank 0 four times, one after the other.
  const double input = 4 * beta * bytes + alpha;
  EXPECT_DOUBLE_EQ(p.time_s, input + 8 * 200.0 / 5 + 8 * (alpha + beta * bytes / 5));
}

TEST(CostModel, ALargeMessageWaitsForItsReceiver) {
  LinkModel link = LinkModel::assumed(1.0, 0.0, 0.0);
  link.eager_limit_B = 0;
  // Rank 0 sends before its own rows and goes on only when rank 1 has them; rank 1 sends back when rank 0 asks.
  EXPECT_DOUBLE_EQ(time_of(Layout::Data, pair, 2, 8, 1, link), 1.0 + 4 * 200.0 + 1.0 + 0.0 + 0.0);
}

TEST(CostModel, ASendThatDoesNotCompleteAloneWaitsForTheReceiversNextCall) {
  LinkModel link = LinkModel::assumed(1.0, 0.0, 0.0);
  const Range rows{0, 8}, ten{0, 10};
  const Step layer{StepKind::Layer, 0, rows, ten, ten, -1, true};
  const auto send = [&](bool waits) { return Step{StepKind::Send, 1, rows, {}, {}, 1, waits}; };
  const Step receive{StepKind::Receive, 1, rows, {}, {}, 0, true};
  // Rank 1 waits for the first message and is then busy for 800.
  const auto finish_of_rank_0 = [&](bool waits) {
    const std::vector<Program> programs = {{layer, send(waits), send(waits)}, {receive, layer, receive}};
    return predict(programs, pair, Company::Stages, one_second_a_mac(), link).ranks[0].finish_s;
  };
  EXPECT_DOUBLE_EQ(finish_of_rank_0(true), 800.0);
  link.alone_limit_B = 100;
  EXPECT_DOUBLE_EQ(finish_of_rank_0(true), 1601.0);
  EXPECT_DOUBLE_EQ(finish_of_rank_0(false), 800.0);
  link.alone_limit_B = 8 * 10 * 4;
  EXPECT_DOUBLE_EQ(finish_of_rank_0(true), 800.0);
}

TEST(CostModel, ATokenBucketLetsTheFirstBytesPass) {
  LinkModel link = LinkModel::assumed(1.0, 0.0, 0.0);
  link.bucket_B = 320.0;
  link.rate_B_s = 10.0;
  // Rank 0 sends 320 bytes (8 rows) out at once; two messages of 320 need 32 s more for the second.
  const auto arrival_at = [&](int rank) {
    ComputeModel nothing;
    nothing.set_curve({0.0, 0.0, 0.0, 0.0, 0.0});
    return predict(schedule(Layout::Data, pair, 3, 24, 1), pair, Company::Rows, nothing, link).ranks[rank].finish_s;
  };
  EXPECT_DOUBLE_EQ(arrival_at(1), 1.0);
  EXPECT_DOUBLE_EQ(arrival_at(2), 33.0);
}

TEST(CostModel, SpinningRanksUseACpuAllTheTime) {
  LinkModel link = LinkModel::assumed(0.0, 0.0, 0.0);
  std::vector<LayerShape> uneven = {{10, 10, true}, {10, 30, false}};
  const auto programs = schedule(Layout::Pipeline, uneven, 2, 4, 4);
  const Prediction spin = predict(programs, uneven, Company::Stages, one_second_a_mac(), link);
  EXPECT_DOUBLE_EQ(spin.cpu_s(), spin.ranks[0].finish_s + spin.ranks[1].finish_s);
  link.wait_cpu_share = 0.0;
  const Prediction sleep = predict(programs, uneven, Company::Stages, one_second_a_mac(), link);
  EXPECT_DOUBLE_EQ(sleep.cpu_s(), 4 * 400.0);
  EXPECT_DOUBLE_EQ(sleep.time_s, spin.time_s);
}

TEST(CostModel, LinesAreFoundAgain) {
  std::vector<std::uint64_t> bytes;
  std::vector<double> seconds;
  for (std::uint64_t s = 1; s <= (1U << 24); s *= 4) {
    bytes.push_back(s);
    seconds.push_back(s <= 65536 ? 20e-6 + 1e-9 * static_cast<double>(s) : 80e-6 + 0.3e-9 * static_cast<double>(s));
  }
  const auto segments = fit_segments(bytes, seconds, {65536});
  ASSERT_EQ(segments.size(), 2U);
  EXPECT_NEAR(segments[0].alpha_s, 20e-6, 1e-10);
  EXPECT_NEAR(segments[0].beta_s_per_B, 1e-9, 1e-14);
  EXPECT_NEAR(segments[1].alpha_s, 80e-6, 1e-9);
  EXPECT_NEAR(segments[1].beta_s_per_B, 0.3e-9, 1e-14);
  EXPECT_NEAR(seconds_of(segments, 1000), 21e-6, 1e-10);
  EXPECT_THROW(static_cast<void>(fit_segments({}, {}, {})), Error);
}

TEST(CostModel, BeyondABucketTheLineStartsBelowZero) {
  // 100 kB pass in 0.1 ms, the rest at 1 MB/s.
  const auto segments = fit_segments({1, 50'000, 100'000, 200'000}, {1e-5, 6e-5, 1.1e-4, 0.10011}, {100'000});
  EXPECT_NEAR(segments.back().beta_s_per_B, 1e-6, 1e-9);
  EXPECT_LT(segments.back().alpha_s, 0.0);
  EXPECT_NEAR(seconds_of(segments, 150'000), 0.05, 1e-3);
}

TEST(CostModel, AFallingLineBecomesFlat) {
  const auto segments = fit_segments({1, 1000}, {20e-6, 10e-6}, {});
  EXPECT_GE(segments[0].alpha_s, 0.0);
  EXPECT_EQ(segments[0].beta_s_per_B, 0.0);
}

TEST(CostModel, TheCurveOfLayersIsFoundAgain) {
  ComputeModel m;
  for (const std::uint64_t rows : {1U, 16U, 256U})
    for (const std::uint64_t width : {100U, 400U, 1600U}) {
      const double weights = static_cast<double>(width) * 50.0;
      m.add({rows, width, 50, Company::Alone},
            2e-6 + 2.0 * static_cast<double>(rows) * weights / 80e9 + 4.0 * weights / 10e9);
    }
  m.fit();
  EXPECT_NEAR(m.curve()->layer_s, 2e-6, 1e-9);
  EXPECT_NEAR(1.0 / m.curve()->s_per_FLOP, 80e9, 80e6);
  EXPECT_NEAR(1.0 / m.curve()->s_per_weight_B, 10e9, 10e6);
  EXPECT_LT(m.curve()->worst_deviation, 1e-6);
  EXPECT_NEAR(m.seconds({64, 800, 50, Company::Rows}), 2e-6 + 2.0 * 64 * 40'000 / 80e9 + 160'000 / 10e9, 1e-9);
}

TEST(CostModel, UnknownLayersAndDeadEndsAreMistakes) {
  EXPECT_THROW(static_cast<void>(ComputeModel().seconds({1, 1, 1, Company::Alone})), Error);
  EXPECT_THROW(ComputeModel().fit(), Error);
  Program waits(1);
  waits[0].kind = StepKind::Receive;
  waits[0].peer = 1;
  EXPECT_THROW(
      static_cast<void>(predict({waits, {}}, pair, Company::Rows, one_second_a_mac(), LinkModel::assumed(0, 0, 0))),
      Error);
}

}  // namespace
}  // namespace haywatt::distributed
