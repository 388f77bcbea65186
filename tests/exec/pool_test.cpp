#include "haywatt/exec/pool.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <vector>

namespace haywatt::exec {
namespace {

class Pool : public testing::TestWithParam<int> {};

TEST_P(Pool, ConsumesInOrderAndWithinTheWindow) {
  constexpr std::uint64_t count = 200;
  constexpr std::uint64_t window = 3;
  std::vector<int> produced(count, 0);
  std::atomic<std::int64_t> open{0};
  std::atomic<bool> too_many{false};
  std::uint64_t next = 0;
  ordered_pipeline(
      count, GetParam(), window,
      [&](std::uint64_t i) {
        if (open.fetch_add(1) + 1 > static_cast<std::int64_t>(window)) too_many = true;
        produced[i] = 1;
      },
      [&](std::uint64_t i) {
        EXPECT_EQ(i, next++);
        EXPECT_EQ(produced[i], 1);
        open.fetch_sub(1);
      });
  EXPECT_EQ(next, count);
  EXPECT_FALSE(too_many);
}

TEST_P(Pool, TheFirstExceptionStopsAll) {
  std::atomic<int> consumed{0};
  EXPECT_THROW(ordered_pipeline(
                   1000, GetParam(), 4,
                   [](std::uint64_t i) {
                     if (i == 10) throw std::runtime_error("produce");
                   },
                   [&](std::uint64_t) { ++consumed; }),
               std::runtime_error);
  EXPECT_LE(consumed, 10);
  EXPECT_THROW(ordered_pipeline(
                   1000, GetParam(), 4, [](std::uint64_t) {},
                   [](std::uint64_t i) {
                     if (i == 5) throw std::logic_error("consume");
                   }),
               std::logic_error);
}

TEST_P(Pool, NothingToDoIsFine) {
  ordered_pipeline(
      0, GetParam(), 1, [](std::uint64_t) { FAIL(); }, [](std::uint64_t) { FAIL(); });
  std::atomic<std::uint64_t> sum{0};
  parallel_for(101, GetParam(), [&](std::uint64_t i) { sum += i; });
  EXPECT_EQ(sum, 5050U);
}

INSTANTIATE_TEST_SUITE_P(Threads, Pool, testing::Values(1, 2, 7));

TEST(Quota, IsPositive) {
  EXPECT_GT(cpu_quota(), 0.0);
  EXPECT_GE(default_threads(), 1);
}

}  // namespace
}  // namespace haywatt::exec
