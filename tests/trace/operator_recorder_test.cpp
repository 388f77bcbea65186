#include "haywatt/trace/operator_recorder.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <thread>

#include "haywatt/base/span.hpp"

namespace haywatt::trace {
namespace {

void burn(double seconds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (std::chrono::steady_clock::now() < end) {
  }
}

const OperatorRecord& find(const OperatorTotals& totals, const std::string& phase, const std::string& name) {
  for (const OperatorRecord& o : totals.operators)
    if (o.phase == phase && o.name == name) return o;
  throw std::runtime_error("no operator " + name + " in " + phase);
}

TEST(OperatorRecorder, OwnTimesAddUpToTheOutermost) {
  OperatorRecorder recorder;
  recorder.start();
  const auto start = std::chrono::steady_clock::now();
  {
    const ScopedSpan span("encode");
    const ScopedOperator outer({"outer", "l0", "f32"}, {100.0, 210.0, 8.0, 4.0, 12.0, 0.0});
    burn(0.02);
    for (int i = 0; i < 2; ++i) {
      const ScopedOperator inner({"inner", "", ""}, {});
      burn(0.01);
    }
  }
  const double whole_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const OperatorTotals totals = recorder.stop();
  ASSERT_EQ(totals.operators.size(), 2U);
  const OperatorRecord &outer = find(totals, "encode", "outer"), &inner = find(totals, "encode", "inner");
  EXPECT_EQ(outer.calls, 1U);
  EXPECT_EQ(inner.calls, 2U);
  EXPECT_GE(inner.wall_s, 0.02);
  EXPECT_GE(outer.wall_s, 0.02);
  EXPECT_LE(outer.wall_s + inner.wall_s, whole_s);
  EXPECT_GT(outer.wall_s + inner.wall_s, 0.04 - 1e-9);
  EXPECT_LE(outer.cpu_s + inner.cpu_s, whole_s);
  EXPECT_EQ(outer.macs, 100.0);
  EXPECT_EQ(outer.flops, 210.0);
  EXPECT_EQ(outer.parameters, 12.0);
  EXPECT_LT(inner.macs, 0.0) << "unknown stays unknown";
  EXPECT_EQ(totals.timeline.size(), 3U);
  EXPECT_EQ(totals.lost, 0U);
  EXPECT_EQ(operator_listener(), nullptr);
}

TEST(OperatorRecorder, ManyNestedOnesAreSharedOutOnTheWay) {
  OperatorRecorder recorder;
  recorder.start();
  {
    const ScopedOperator outer({"outer", "", ""}, {});
    for (int i = 0; i < 30'000; ++i) const ScopedOperator inner({"inner", "", ""}, {1.0, 2.0, 0.0, 0.0, 0.0, 0.0});
    burn(0.01);
  }
  const OperatorTotals totals = recorder.stop();
  const OperatorRecord &outer = find(totals, "other", "outer"), &inner = find(totals, "other", "inner");
  EXPECT_EQ(inner.calls, 30'000U);
  EXPECT_EQ(inner.macs, 30'000.0);
  EXPECT_GE(outer.cpu_s, 0.0);
  EXPECT_GE(outer.wall_s, 0.01);
  EXPECT_EQ(totals.timeline.size() + totals.timeline_left_out, 30'001U);
  EXPECT_LE(totals.timeline.size(), 20'000U);
  EXPECT_GT(totals.recorder_cpu_s, 0.0);
}

TEST(OperatorRecorder, PartsTakeTheirTimeFromTheOpenOne) {
  OperatorRecorder recorder;
  recorder.start();
  {
    const ScopedOperator outer({"network", "", ""}, {});
    burn(0.02);
    operator_listener()->on_operator_parts({"dense", "l0", "f64"}, {10.0, 20.0, 1.0, 1.0, 5.0, 0.0}, 7, 15'000'000);
  }
  const OperatorTotals totals = recorder.stop();
  const OperatorRecord &outer = find(totals, "other", "network"), &part = find(totals, "other", "dense");
  EXPECT_DOUBLE_EQ(part.wall_s, 0.015);
  EXPECT_EQ(part.calls, 7U);
  EXPECT_NEAR(part.cpu_s / (part.cpu_s + outer.cpu_s), part.wall_s / (part.wall_s + outer.wall_s), 1e-6);
}

TEST(OperatorRecorder, WeightsMultiplyAllSums) {
  OperatorRecorder recorder;
  recorder.start();
  {
    const ScopedOperator op({"batch", "", "f64", 8.0}, {10.0, 20.0, 30.0, 40.0, 5.0, 6.0});
    burn(0.005);
    operator_listener()->on_operator_parts({"part", "", ""}, {1.0, 2.0, 3.0, 4.0, 5.0, 0.0}, 2, 1'000'000);
  }
  const OperatorTotals totals = recorder.stop();
  const OperatorRecord &op = find(totals, "other", "batch"), &part = find(totals, "other", "part");
  EXPECT_EQ(op.calls, 8U);
  EXPECT_EQ(op.macs, 80.0);
  EXPECT_EQ(op.allocated_B, 48.0);
  EXPECT_EQ(op.parameters, 5.0) << "of one call";
  EXPECT_GE(op.wall_s, 8 * 0.004 - 1e-9);
  EXPECT_EQ(part.calls, 16U);
  EXPECT_DOUBLE_EQ(part.wall_s, 0.008);
}

TEST(OperatorRecorder, AThreadWithoutSpansIsInThePhaseOpenedLast) {
  OperatorRecorder recorder;
  recorder.start();
  const auto in_thread = [](const char* name) {
    std::jthread([name] { const ScopedOperator op({name, "", ""}, {}); });
  };
  {
    const ScopedSpan span("train");
    in_thread("a");
  }
  in_thread("b");
  std::jthread([] {
    const ScopedSpan span("encode");
    const ScopedOperator op({"c", "", ""}, {});
  });
  const OperatorTotals totals = recorder.stop();
  std::map<std::string, std::string> phases;
  for (const OperatorRecord& o : totals.operators) phases[o.name] = o.phase;
  EXPECT_EQ(phases, (std::map<std::string, std::string>{{"a", "train"}, {"b", "other"}, {"c", "encode"}}));
}

TEST(OperatorRecorder, SpansGoOnToTheListenerBefore) {
  struct Counting final : SpanListener {
    int begins = 0, ends = 0;
    void on_begin(std::string_view, const SpanBorder&) noexcept override { ++begins; }
    void on_end(std::string_view, const SpanBorder&) noexcept override { ++ends; }
  } counting;
  SpanListener* before = set_span_listener(&counting);
  {
    OperatorRecorder recorder;
    recorder.start();
    { const ScopedSpan span("read"); }
  }
  EXPECT_EQ(set_span_listener(before), &counting);
  EXPECT_EQ(counting.begins, 1);
  EXPECT_EQ(counting.ends, 1);
}

}  // namespace
}  // namespace haywatt::trace
