#include "haywatt/trace/peaks.hpp"

#include <gtest/gtest.h>

#include <array>

#include "haywatt/metrics/roofline.hpp"
#include "trace/peak_kernels.hpp"

namespace haywatt::trace {
namespace {

using metrics::find_level;
using metrics::find_peak;

TEST(Peaks, KernelsComputeWhatTheyCount) {
  const PeakKernels& k = peak_kernels();
  // x -> 0.5 x + 0.5 tends to 1, whatever it starts from: the sum is the number of values.
  EXPECT_DOUBLE_EQ(k.multiply_add_f64(200), static_cast<double>(k.flops_per_round_f64) / 2.0);
  EXPECT_DOUBLE_EQ(k.multiply_add_f32(200), static_cast<double>(k.flops_per_round_f32) / 2.0);
  EXPECT_EQ(k.flops_per_round_f32, 2 * k.flops_per_round_f64);
}

TEST(Peaks, ReadingReadsEveryByte) {
  alignas(64) std::array<std::byte, 4096> buffer{};
  EXPECT_EQ(peak_kernels().read(buffer.data(), buffer.size()), 0.0);
  for (std::size_t i = 0; i < buffer.size(); i += 61) {
    buffer[i] = std::byte{1};
    EXPECT_NE(peak_kernels().read(buffer.data(), buffer.size()), 0.0) << i;
    buffer[i] = std::byte{0};
  }
}

TEST(Peaks, AreOrderedAsTheyMustBe) {
  const Peaks peaks = measure_peaks(2);
  const ComputePeak* f32 = find_peak(peaks.compute, "f32", 1);
  const ComputePeak* f64 = find_peak(peaks.compute, "f64", 1);
  ASSERT_NE(f32, nullptr);
  ASSERT_NE(f64, nullptr);
  EXPECT_GT(f32->flops_per_s, 1e9);
  EXPECT_GT(f32->flops_per_s, 1.2 * f64->flops_per_s);
  const MemoryPeak* l1 = find_level(peaks.memory, 1000, 1);
  const MemoryPeak* dram = find_level(peaks.memory, 1e12, 1);
  ASSERT_NE(l1, nullptr);
  ASSERT_NE(dram, nullptr);
  EXPECT_EQ(l1->level, "L1");
  EXPECT_EQ(dram->level, "DRAM");
  EXPECT_GT(l1->bytes_per_s, dram->bytes_per_s);
  EXPECT_EQ(find_level(peaks.memory, 1000, 2)->threads, 2);
  EXPECT_EQ(find_peak(peaks.compute, "f32", 7)->threads, 2);
  EXPECT_EQ(find_peak(peaks.compute, "int8", 1), nullptr);
}

}  // namespace
}  // namespace haywatt::trace
