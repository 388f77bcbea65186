#include "haywatt/metrics/summary.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace haywatt::metrics {
namespace {

EnergyFigure energy(double joules, const std::string& share, const std::string& rule,
                    const std::string& boundary = "package", const std::string& sensor = "rapl-powercap") {
  EnergyFigure e;
  e.joules = Figure::from_components(joules, "J", {{"gain", 'B', 0.05, 0.0, {CorrelationKind::Sensor, "rapl"}}});
  e.sensor = sensor;
  e.boundary = boundary;
  e.share = share;
  e.rule = rule;
  return e;
}

RunRecord run(const std::string& method, const std::string& bound, int repeat, double seconds, std::uint64_t size) {
  RunRecord r;
  r.id = method + bound + std::to_string(repeat);
  r.method = method;
  r.bound = bound;
  r.repeat = repeat;
  r.rows = 1000;
  r.columns = 1;
  r.raw_B = 1'000'000;
  r.compressed_B = size;
  r.wall_s = 4 * seconds;
  r.cpu_s = seconds;
  r.rss_start_B = 100;
  r.rss_peak_B = 300;
  for (const char* name : {"prepare", "encode", "encode/blocks", "decode"}) {
    PhaseRecord p;
    p.name = name;
    p.wall_s = seconds;
    p.energy = {energy(seconds * 10, "phase", "attributed")};
    r.phases.push_back(p);
  }
  r.energy = {energy(seconds * 30, "process-tree", "marginal"), energy(seconds * 40, "process-tree", "attributed"),
              energy(9999, "machine", "")};
  return r;
}

StudyRecord study(std::vector<RunRecord> runs) {
  StudyRecord s;
  s.runs = std::move(runs);
  return s;
}

TEST(Summary, SpeedsEnergyAndSizeOfOneRow) {
  const StudyRecord s = study({run("zstd", "lossless", 0, 1.0, 500'000), run("zstd", "lossless", 1, 1.1, 500'000),
                               run("zstd", "lossless", 2, 0.9, 500'000)});
  const Summary summary = summarise(s);
  ASSERT_EQ(summary.rows.size(), 1U);
  const SummaryRow& r = summary.rows[0];
  EXPECT_EQ(r.ok_runs, 3);
  EXPECT_DOUBLE_EQ(r.bytes_per_row.value->value, 500.0);
  EXPECT_DOUBLE_EQ(r.factor.value->value, 2.0);
  EXPECT_NEAR(r.in_speed.value->value, 1e6 / 3.0, 1e-6);  // prepare + encode + encode/blocks
  EXPECT_NEAR(r.out_speed.value->value, 1e6, 1e-6);
  EXPECT_NEAR(r.attributed.value->value, 40.0 * 1000.0, 1e-6);  // 40 J for a megabyte
  EXPECT_NEAR(r.marginal.value->value, 30.0 * 1000.0, 1e-6);
  EXPECT_NEAR(r.compress_energy->value, 30.0 * 1000.0, 1e-6);
  EXPECT_NEAR(r.decode_energy->value, 10.0 * 1000.0, 1e-6);
  EXPECT_DOUBLE_EQ(r.added_memory.value->value, 200.0);
  EXPECT_EQ(r.typical->repeat, 0);  // the median wall time
}

TEST(Summary, RatiosCancelTheSensor) {
  std::vector<RunRecord> runs;
  for (int i = 0; i < 6; ++i) {
    runs.push_back(run("zstd", "lossless", i, 1.0, 500'000));
    runs.push_back(run("lz4", "lossless", i, 0.5, 600'000));
  }
  const StudyRecord s = study(runs);
  const Summary summary = summarise(s);
  EXPECT_EQ(summary.baseline_row()->method, "zstd");
  const SummaryRow& lz4 = summary.rows[1];
  EXPECT_EQ(lz4.method, "lz4");
  EXPECT_GT(lz4.attributed.value->high / lz4.attributed.value->low, 1.2);  // 5 % of gain
  EXPECT_NEAR(lz4.attributed.to_baseline->value, 0.5, 1e-9);
  EXPECT_NEAR(lz4.attributed.to_baseline->high, 0.5, 1e-9);  // repeats agree exactly and the gain cancels
}

TEST(Summary, OrderOfRowsAndFailures) {
  RunRecord failed = run("sz", "lossless", 0, 1.0, 1);
  failed.status = "failed";
  failed.reason = "no lossless mode";
  const StudyRecord s = study({run("baler", "none", 0, 1.0, 1), run("b", "range:1e-3", 0, 1.0, 2), failed,
                               run("big", "lossless", 0, 1.0, 9), run("small", "lossless", 0, 1.0, 8)});
  const Summary summary = summarise(s);
  std::vector<std::string> order;
  for (const SummaryRow& r : summary.rows) order.push_back(r.method);
  EXPECT_EQ(order, (std::vector<std::string>{"small", "big", "sz", "b", "baler"}));
  EXPECT_EQ(summary.rows[2].reason, "no lossless mode");
  EXPECT_FALSE(summary.rows[2].ok());
  EXPECT_EQ(summary.baseline_row()->method, "small");  // no zstd: the first lossless
}

TEST(EnergyBasis, OneBoundaryOnlyAndMeasuredBeforeEstimated) {
  RunRecord r = run("zstd", "lossless", 0, 1.0, 1);
  r.energy.push_back(energy(7, "process-tree", "attributed", "dram"));
  r.energy.push_back(energy(90, "process-tree", "attributed", "wall", "estimate"));
  const StudyRecord s = study({r});
  const Summary summary = summarise(s);
  EXPECT_EQ(summary.basis.sensor, "rapl-powercap");
  EXPECT_EQ(summary.basis.boundary, "package");
  EXPECT_NEAR(summary.rows[0].attributed.value->value, 40'000.0, 1e-6);  // neither dram nor wall was added
}

TEST(EnergyBasis, UnknownStaysUnknown) {
  RunRecord r = run("zstd", "lossless", 0, 1.0, 1);
  for (EnergyFigure& e : r.energy) {
    e.known = false;
    e.joules = Figure::exact(0.0, "J");
    e.note = "the counter did not move";
  }
  const StudyRecord s = study({r});
  const Summary summary = summarise(s);
  EXPECT_FALSE(summary.basis.known);
  EXPECT_EQ(summary.basis.note, "the counter did not move");
  EXPECT_FALSE(summary.rows[0].attributed.value.has_value());
  EXPECT_FALSE(summary.rows[0].compress_energy.has_value());
}

TEST(MedianOf, AddsTypeBOfTheMedianRunToTheScatter) {
  std::vector<Figure> repeats;
  for (const double v : {9.0, 10.0, 11.0, 10.0, 10.5, 9.5})
    repeats.push_back(Figure::from_components(v, "J", {{"model", 'B', 0.3, 0.0, {CorrelationKind::Model, "VM"}}}));
  const Figure f = median_of(repeats, "J", "run");
  EXPECT_DOUBLE_EQ(f.value, 10.0);
  ASSERT_EQ(f.components.size(), 2U);
  EXPECT_GT(f.high, 10.0 * std::exp(1.95 * 0.3));
  EXPECT_NE(f.interval.find("bootstrap"), std::string::npos);
}

TEST(Summary, EmptyStudy) {
  const StudyRecord s;
  const Summary summary = summarise(s);
  EXPECT_TRUE(summary.rows.empty());
  EXPECT_EQ(summary.baseline_row(), nullptr);
}

TEST(Summary, TablesAndThreadsThatVaryAreRowsOfTheirOwn) {
  std::vector<RunRecord> runs;
  for (const char* data : {"a/t.npz", "a/u.npz"})
    for (const int threads : {1, 2})
      for (const char* method : {"zstd", "lz4"}) {
        RunRecord r = run(method, "lossless", 0, 1.0, 500'000);
        r.data = data;
        r.data_xxh3 = data;
        r.threads = threads;
        runs.push_back(r);
      }
  const StudyRecord s = study(runs);
  const Summary summary = summarise(s);
  ASSERT_EQ(summary.rows.size(), 8U);
  for (const SummaryRow& row : summary.rows) {
    EXPECT_EQ(row.ok_runs, 1);
    EXPECT_TRUE(row.method.ends_with(row.threads == 1 ? " [1 thread]" : " [2 threads]")) << row.method;
    EXPECT_EQ(row.bound, row.data_xxh3 == "a/t.npz" ? "lossless [t.npz]" : "lossless [u.npz]");
    EXPECT_EQ(row.bytes_per_row.to_baseline.has_value(), row.data_xxh3 == summary.baseline_row()->data_xxh3)
        << "tables are not compared with each other";
  }
  EXPECT_TRUE(summary.baseline_row()->method.starts_with("zstd ["));
  EXPECT_EQ(plain_bound("range:1e-3 [u.npz]"), "range:1e-3");
  EXPECT_EQ(plain_bound("range:1e-3; [ab]*=rel:1e-4"), "range:1e-3; [ab]*=rel:1e-4");
}

}  // namespace
}  // namespace haywatt::metrics
