#include "haywatt/experiment/layouts.hpp"

#include <gtest/gtest.h>

#include "haywatt/base/error.hpp"

namespace haywatt::experiment {
namespace {

LayoutCase a_case(const std::string& layout, bool model_parallel, double time_s, double predicted_s) {
  LayoutCase c;
  c.layout = layout;
  c.model_parallel = model_parallel;
  c.batch = 1;
  c.predicted_time_s = predicted_s;
  c.ranks.resize(2);
  for (LayoutRank& r : c.ranks) r.cpu_s = predicted_s;
  for (int i = 0; i < 9; ++i) {
    const double t = time_s * (1.0 + 0.01 * (i % 3));
    c.trials.push_back({t, {t, layout == "single" ? 0.0 : t}});
  }
  return c;
}

/// At width 1 the tensor layout is slower than one process, at width 64 faster.
LayoutsRecord a_record() {
  LayoutsRecord r;
  for (const std::uint64_t widen : {1U, 64U}) {
    LayoutPart& part = r.parts.emplace_back();
    part.widen = widen;
    part.curve = {1e-6, 1e-11, 1e-10, 0.0, 0.0};
    part.joules_per_cpu_s.known = true;
    part.joules_per_cpu_s.joules = Figure::exact(2.0, "J/s");
    LayoutNetwork& n = part.networks.emplace_back();
    n.name = "memory";
    n.cases = {a_case("single", false, 1.0, 1.1), a_case("data", false, 1.2, 1.2), a_case("shards", false, 0.1, 0.1),
               a_case("tensor", true, widen == 1 ? 2.0 : 0.6, 0.9)};
  }
  return r;
}

TEST(LayoutsConclusions, ModelParallelPaysWhereItIsSurelyFaster) {
  LayoutsRecord r = a_record();
  conclude(r);
  const LayoutPays& pays = r.pays.front();
  EXPECT_FALSE(pays.extrapolated);
  EXPECT_EQ(pays.time.widths, (std::vector<std::uint64_t>{64}));
  EXPECT_EQ(pays.time.layout, "tensor");
  EXPECT_NEAR(pays.time.gain, 1.0 / 0.6, 0.02);
  // Two ranks for 0.6 s are 1.2 CPU seconds, one process needs 1.
  EXPECT_TRUE(pays.energy.widths.empty());
}

TEST(LayoutsConclusions, DeviationsAreOfPredictionFromMeasurement) {
  LayoutsRecord r = a_record();
  conclude(r);
  const auto& cases = r.parts[1].networks[0].cases;
  EXPECT_NEAR(cases[0].time_deviation, 1.1 / 1.01 - 1.0, 1e-12);
  EXPECT_NEAR(cases[3].time_deviation, 0.9 / 0.606 - 1.0, 1e-12);
  EXPECT_NEAR(cases[3].energy_J.value, 2.0 * 1.212, 1e-9);
  EXPECT_NEAR(cases[3].predicted_J, 2.0 * 1.8, 1e-9);
  EXPECT_EQ(r.cases, 8U);
  EXPECT_EQ(r.within_20_percent, 6U);
}

TEST(LayoutsConclusions, OtherNetworksAreMarkedAsExtrapolated) {
  LayoutsRecord r = a_record();
  conclude(r);
  std::size_t extrapolated = 0;
  for (const LayoutPays& p : r.pays) {
    if (!p.extrapolated) continue;
    ++extrapolated;
    EXPECT_FALSE(p.assumption.empty());
    EXPECT_FALSE(p.time.layout.empty());
  }
  EXPECT_EQ(extrapolated, 9U);
}

TEST(LayoutsConclusions, BandwidthsAreReadAsTcReadsThem) {
  EXPECT_EQ(parse_bandwidth("1Gbit").rate_bit_s, 1e9);
  EXPECT_EQ(parse_bandwidth("250Mbit").rate_bit_s, 250e6);
  EXPECT_TRUE(parse_bandwidth("memory").shared_memory());
  for (const char* text : {"", "1", "1GB", "Gbit", "-1Gbit", "1e9Gbit", "nanGbit", "1kbit"})
    EXPECT_THROW(static_cast<void>(parse_bandwidth(text)), Error) << text;
}

}  // namespace
}  // namespace haywatt::experiment
