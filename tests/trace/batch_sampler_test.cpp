#include "haywatt/trace/batch_sampler.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>

namespace haywatt::trace {
namespace {

struct Seen {
  double weights = 0.0;
  std::uint64_t batches = 0;
};

Seen run(BatchSampler& sampler, std::uint64_t batches, double batch_s, double looking_s) {
  Seen seen;
  for (std::uint64_t i = 0; i < batches; ++i) {
    const double weight = sampler.next(batches - i);
    if (weight > 0.0) ++seen.batches;
    seen.weights += weight;
    sampler.learn(batch_s + (weight > 0.0 ? looking_s : 0.0), weight > 0.0 ? looking_s : 0.0);
  }
  return seen;
}

RC_GTEST_PROP(BatchSampler, WeightsAddUpToTheBatches, ()) {
  const auto batches = *rc::gen::inRange<std::uint64_t>(1, 5000);
  const double looking_s = *rc::gen::element(1e-7, 1e-4, 1e-2);
  BatchSampler sampler(*rc::gen::element(1e-3, 1e-2, 1.0), *rc::gen::arbitrary<std::uint64_t>());
  RC_ASSERT(run(sampler, batches, 1e-3, looking_s).weights == static_cast<double>(batches));
}

TEST(BatchSampler, TakesItsShareOfTheTime) {
  BatchSampler sampler(0.01, 1);
  // Looking takes a tenth of a batch: one in ten may be seen.
  const Seen seen = run(sampler, 20000, 1e-3, 1e-4);
  EXPECT_NEAR(static_cast<double>(seen.batches), 2000.0, 20.0);
  EXPECT_EQ(sampler.stretch(), 10u);
}

TEST(BatchSampler, CountsWhatLookingCostsBeyondWhatIsKnown) {
  BatchSampler sampler(0.01, 1);
  std::uint64_t seen = 0;
  double lost_s = 0.0, all_s = 0.0;
  for (std::uint64_t i = 0; i < 20000; ++i) {
    const bool looked = sampler.next(20000 - i) > 0.0;
    seen += looked ? 1 : 0;
    const double longer_s = looked ? 3e-4 : 0.0;  // of which a third is known
    sampler.learn(1e-3 + longer_s, looked ? 1e-4 : 0.0);
    lost_s += longer_s;
    all_s += 1e-3;
  }
  EXPECT_NEAR(lost_s / all_s, 0.01, 0.001);
  EXPECT_GT(seen, 500u);
}

TEST(BatchSampler, SeesAllIfAskedOrIfLookingIsCheap) {
  BatchSampler all(1.0, 1);
  EXPECT_EQ(run(all, 100, 1e-3, 1e-1).batches, 100u);
  BatchSampler cheap(0.01, 1);
  EXPECT_GE(run(cheap, 100, 1e-3, 1e-7).batches, 100u - 15u);  // all after the first stretch
  cheap.begin_loop();
  EXPECT_EQ(run(cheap, 100, 1e-3, 1e-7).batches, 100u);
}

TEST(BatchSampler, EveryBatchOfAStretchIsAsLikely) {
  std::array<int, 10> hits{};
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    BatchSampler sampler(0.01, seed);
    sampler.learn(1.1e-3, 1e-4);
    for (std::size_t i = 0; i < hits.size(); ++i)
      if (sampler.next(999 - i) > 0.0) ++hits[i];
  }
  for (const int h : hits) EXPECT_NEAR(h, 200, 60);
}

}  // namespace
}  // namespace haywatt::trace
