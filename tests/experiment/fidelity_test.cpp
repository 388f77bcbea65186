#include "experiment/fidelity.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include "experiment/tables.hpp"

namespace haywatt::experiment {
namespace {

Histogram histogram(double low, double high) {
  Histogram h;
  h.low = low;
  h.high = high;
  h.counts.assign(histogram_bins, 0.0);
  return h;
}

double counted(const Histogram& h) { return std::accumulate(h.counts.begin(), h.counts.end(), 0.0); }

TEST(Histograms, CountEveryValueOnceForAnyRange) {
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> exponent(-300.0, 308.0);
  const double big = std::numeric_limits<double>::max();
  for (int round = 0; round < 200; ++round) {
    double a = (random() % 2 != 0 ? 1 : -1) * std::pow(10.0, exponent(random));
    double b = (random() % 2 != 0 ? 1 : -1) * std::pow(10.0, exponent(random));
    if (round == 0) a = -big, b = big;
    if (round == 1) a = b = 3.0;
    Histogram h = histogram(std::min(a, b), std::max(a, b));
    const double t = 0.3;
    count_into(h, {h.low, h.high, std::clamp(h.low * (1 - t) + h.high * t, h.low, h.high), NAN, INFINITY, -INFINITY});
    EXPECT_EQ(counted(h), 3.0) << a << " " << b;
    EXPECT_EQ(h.outside, 3.0);
  }
}

TEST(Histograms, BinsAreEqualAndInOrder) {
  Histogram h = histogram(0.0, 64.0);
  for (int i = 0; i < 64; ++i) count_into(h, std::vector<double>(static_cast<std::size_t>(i + 1), i + 0.5));
  for (int i = 0; i < 64; ++i) EXPECT_EQ(h.counts[static_cast<std::size_t>(i)], i + 1);
  count_into(h, {64.0, 64.5, -0.001});
  EXPECT_EQ(h.counts[63], 65.0) << "high belongs to the last bin";
  EXPECT_EQ(h.outside, 2.0);
}

TEST(Bounds, AreDescribedAsResolved) {
  EXPECT_EQ(describe_bound({BoundKind::Lossless, 0.0, 0, ""}), "lossless");
  EXPECT_EQ(describe_bound({BoundKind::Abs, 0.0123, 0, ""}), "abs 0.0123");
  EXPECT_EQ(describe_bound({BoundKind::Rel, 0.001, 0, ""}), "rel 0.001");
  EXPECT_EQ(describe_bound({BoundKind::Bits, 0.0, 10, ""}), "bits 10");
  EXPECT_EQ(describe_bound({BoundKind::None, 0.0, 0, ""}), "none");
}

class Comparison : public ::testing::Test {
 protected:
  RunRecord compare(const std::string& compressed, const std::string& original, const std::string& bound) {
    CompressOptions options;
    options.method = MethodSpec::parse("zstd");
    options.bounds = {parse_bound_rule(bound)};
    options.existing = AtomicFile::Existing::Replace;
    const CompressOutcome outcome = compress_table(*open_table(compressed), folder / "t.hay", options);
    RunRecord run;
    compare_with_original(folder / "t.hay", *open_table(original), outcome, 2, true, run);
    return run;
  }
  testing::Folder folder;
};

TEST_F(Comparison, TellsTheErrorsMade) {
  testing::write_csv(folder / "a.csv", 1000, 3);
  const RunRecord run = compare(folder / "a.csv", folder / "a.csv", "abs:0.01");
  EXPECT_EQ(run.status, "ok");
  ASSERT_EQ(run.fidelity.size(), 3u);
  for (const ColumnFidelity& c : run.fidelity) {
    EXPECT_EQ(c.dtype, "f8");
    EXPECT_EQ(c.bound, "abs 0.01");
    EXPECT_GT(c.max_abs_error, 0.002);
    EXPECT_LE(c.max_abs_error, 0.01);
    EXPECT_GT(c.rms_error, 0.0);
    EXPECT_LE(c.rms_error, c.max_abs_error);
    EXPECT_LT(c.exact_share, 1.0);
    EXPECT_GT(c.compressed_B, 0u);
    EXPECT_EQ(counted(c.original), 1000.0);
    EXPECT_EQ(counted(c.decoded) + c.decoded.outside, 1000.0);
    EXPECT_EQ(counted(c.error), 1000.0);
    EXPECT_EQ(c.error.low, -0.01);
    EXPECT_EQ(c.original.low, c.decoded.low);
    EXPECT_EQ(c.original.high, c.maximum);
  }
}

TEST_F(Comparison, LosslessMakesNoError) {
  testing::write_csv(folder / "a.csv", 500, 2);
  const RunRecord run = compare(folder / "a.csv", folder / "a.csv", "lossless");
  for (const ColumnFidelity& c : run.fidelity) {
    EXPECT_EQ(c.max_abs_error, 0.0);
    EXPECT_EQ(c.exact_share, 1.0);
    EXPECT_EQ(c.original.counts, c.decoded.counts);
    EXPECT_TRUE(c.error.counts.empty()) << "no error, no histogram of it";
  }
}

TEST_F(Comparison, AValueOutsideItsBoundFailsTheRun) {
  testing::write_csv(folder / "a.csv", 500, 2, 1);
  testing::write_csv(folder / "b.csv", 500, 2, 40);
  const RunRecord run = compare(folder / "a.csv", folder / "b.csv", "abs:0.001");
  EXPECT_EQ(run.status, "failed");
  EXPECT_NE(run.reason.find("outside the bound abs 0.001"), std::string::npos) << run.reason;
  EXPECT_GT(run.fidelity[0].violations, 0u);
}

}  // namespace
}  // namespace haywatt::experiment
