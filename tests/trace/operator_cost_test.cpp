#include "haywatt/trace/operator_cost.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace haywatt::trace {
namespace {

TensorShape shape(std::initializer_list<std::int64_t> sizes, std::uint8_t item_B = 4) {
  TensorShape s;
  s.item_B = item_B;
  for (const std::int64_t n : sizes) s.sizes[s.dimensions++] = n;
  return s;
}

OperatorCost cost(std::string_view name, const std::vector<TensorShape>& inputs) { return operator_cost(name, inputs); }

TEST(OperatorCost, Products) {
  const OperatorCost mm = cost("aten::mm", {shape({7, 3}, 8), shape({3, 5}, 8)});
  EXPECT_EQ(mm.macs, 7 * 3 * 5);
  EXPECT_EQ(mm.flops, 2 * 7 * 3 * 5);
  EXPECT_EQ(mm.read_B, 8 * (21 + 15));
  EXPECT_EQ(mm.written_B, 8 * 35);
  const OperatorCost addmm = cost("aten::addmm", {shape({5}), shape({7, 3}), shape({3, 5})});
  EXPECT_EQ(addmm.macs, mm.macs);
  EXPECT_EQ(addmm.flops, mm.flops + 35);
  EXPECT_EQ(addmm.read_B, 4 * (5 + 21 + 15));
  const OperatorCost bmm = cost("aten::bmm", {shape({2, 7, 3}), shape({2, 3, 5})});
  EXPECT_EQ(bmm.macs, 2 * mm.macs);
  EXPECT_EQ(cost("aten::mm", {shape({0, 3}), shape({3, 5})}).macs, 0);
}

TEST(OperatorCost, OthersByTheirRule) {
  const OperatorCost add = cost("aten::add", {shape({7, 5}), shape({5})});
  EXPECT_EQ(add.macs, 0);
  EXPECT_EQ(add.flops, 35);
  EXPECT_EQ(add.read_B, 4 * 40);
  EXPECT_EQ(add.written_B, 4 * 35);
  const OperatorCost copy = cost("aten::copy_", {shape({10}, 8), shape({10}, 4)});
  EXPECT_EQ(copy.flops, 0);
  EXPECT_EQ(copy.read_B, 40);
  EXPECT_EQ(copy.written_B, 80);
  EXPECT_EQ(cost("aten::sum", {shape({10})}).flops, 10);
  EXPECT_EQ(cost("aten::mse_loss", {shape({10}), shape({10})}).flops, 30);
  EXPECT_EQ(cost("aten::view", {shape({10})}).read_B, 0);
  EXPECT_EQ(cost("aten::zero_", {shape({10})}).read_B, 0);
  EXPECT_EQ(cost("aten::zero_", {shape({10})}).written_B, 40);
}

TEST(OperatorCost, WhatIsNotKnownIsNegative) {
  EXPECT_LT(cost("aten::_fft_c2c", {shape({10})}).macs, 0);
  EXPECT_LT(cost("aten::mm", {}).flops, 0);
  EXPECT_LT(cost("aten::mm", {shape({3}), shape({3})}).flops, 0);
}

}  // namespace
}  // namespace haywatt::trace
