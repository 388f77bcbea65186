#include "haywatt/metrics/roofline.hpp"

#include <gtest/gtest.h>

namespace haywatt::metrics {
namespace {

const std::vector<ComputePeak> compute = {{"f64", 1, 100.0}, {"f64", 2, 190.0}, {"f32", 1, 200.0}};
const std::vector<MemoryPeak> memory = {
    {"L1", 1, 10.0, 50.0}, {"L2", 1, 100.0, 20.0}, {"DRAM", 1, 0.0, 10.0}, {"L1", 2, 10.0, 100.0}};

TEST(Roofline, IsTheLowerOfTheTwo) {
  EXPECT_DOUBLE_EQ(attainable_flops_per_s(2.0, compute[0], memory[2]), 20.0);
  EXPECT_DOUBLE_EQ(attainable_flops_per_s(10.0, compute[0], memory[2]), 100.0);
  EXPECT_DOUBLE_EQ(attainable_flops_per_s(1e9, compute[0], memory[2]), 100.0);
}

TEST(Roofline, PeaksAreFoundByTypeSizeAndThreads) {
  EXPECT_EQ(find_peak(compute, "f64", 7)->threads, 2);
  EXPECT_EQ(find_peak(compute, "f32", 7)->threads, 1);
  EXPECT_EQ(find_peak(compute, "int8", 1), nullptr);
  EXPECT_EQ(find_level(memory, 9.0, 1)->level, "L1");
  EXPECT_EQ(find_level(memory, 11.0, 1)->level, "L2");
  EXPECT_EQ(find_level(memory, 101.0, 1)->level, "DRAM");
  EXPECT_EQ(find_level(memory, 9.0, 2)->threads, 2);
  EXPECT_EQ(find_level({}, 9.0, 1), nullptr);
}

TEST(Roofline, AnOperatorStandsUnderTheRoofOfItsLevel) {
  OperatorRecord op;
  op.dtype = "f64";
  op.calls = 2;
  op.wall_s = 16.0;
  op.flops = 120.0;
  op.read_B = 100.0;
  op.written_B = 60.0;  // 80 a call: L2
  const auto p = roofline_position(op, compute, memory);
  ASSERT_TRUE(p);
  EXPECT_EQ(p->level, "L2");
  EXPECT_DOUBLE_EQ(p->flops_per_B, 0.75);
  EXPECT_DOUBLE_EQ(p->attainable, 15.0);
  EXPECT_DOUBLE_EQ(p->flops_per_s, 7.5);
  EXPECT_DOUBLE_EQ(p->share, 0.5);
  EXPECT_FALSE(p->compute_bound);
  op.flops = 12'000.0;
  EXPECT_TRUE(roofline_position(op, compute, memory).value().compute_bound);
}

TEST(Roofline, BytesFasterThanALevelCameFromANearerOne) {
  OperatorRecord op;
  op.dtype = "f64";
  op.calls = 1;
  op.flops = 40.0;
  op.read_B = 200.0;  // more than L2 holds, which gives 20 a second
  op.written_B = 0.0;
  op.cpu_s = 25.0;
  EXPECT_EQ(roofline_position(op, compute, memory).value().level, "DRAM");
  op.cpu_s = 15.0;
  EXPECT_EQ(roofline_position(op, compute, memory).value().level, "L2");
  op.cpu_s = 5.0;
  EXPECT_EQ(roofline_position(op, compute, memory).value().level, "L1");
  op.cpu_s = 1.0;  // faster than can be: still the nearest
  EXPECT_GT(roofline_position(op, compute, memory).value().share, 1.0);
}

TEST(Roofline, WhatIsNotKnownHasNoPosition) {
  OperatorRecord op;
  op.dtype = "f64";
  op.calls = 1;
  op.wall_s = 1.0;
  op.flops = op.read_B = op.written_B = 1.0;
  EXPECT_TRUE(roofline_position(op, compute, memory));
  for (const auto member : {&OperatorRecord::wall_s, &OperatorRecord::flops, &OperatorRecord::read_B}) {
    OperatorRecord without = op;
    without.*member = -1.0;
    EXPECT_FALSE(roofline_position(without, compute, memory));
  }
  op.dtype = "int8";
  EXPECT_FALSE(roofline_position(op, compute, memory));
}

}  // namespace
}  // namespace haywatt::metrics
