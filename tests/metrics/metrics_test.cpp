#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "haywatt/metrics/carbon.hpp"
#include "haywatt/metrics/grid.hpp"
#include "haywatt/metrics/pareto.hpp"
#include "haywatt/metrics/payback.hpp"
#include "haywatt/metrics/summary.hpp"

namespace haywatt::metrics {
namespace {

Figure joules(double value, const std::string& run, double u_run = 0.0) {
  std::vector<Component> c = {{"model", 'B', 0.4, 0.0, {CorrelationKind::Model, "VM"}}};
  if (u_run > 0) c.push_back({"repeats", 'A', u_run, 0.0, {CorrelationKind::Run, run}});
  return Figure::from_components(value, "J/GB", c);
}

SummaryRow row(const std::string& method, double size_share, double compress, double decode) {
  SummaryRow r;
  r.method = method;
  r.bound = "lossless";
  r.ok_runs = 3;
  r.raw_B = 1'000'000;
  r.compressed_B = static_cast<std::uint64_t>(size_share * 1e6);
  r.compress_energy = joules(compress, method, 0.01);
  r.decode_energy = joules(decode, method, 0.01);
  return r;
}

// ---- constants and products

TEST(Grid, CountriesByCodeAndName) {
  const auto france = country_grid("fra");
  ASSERT_TRUE(france);
  EXPECT_EQ(france->name, "France");
  EXPECT_EQ(france->intensity.key, "grid_FRA_2023");
  EXPECT_NEAR(france->intensity.value, 56.0, 0.1);
  EXPECT_EQ(country_grid("France")->iso3, "FRA");
  EXPECT_FALSE(country_grid("Atlantis"));
  EXPECT_FALSE(country_grid(""));
  EXPECT_FALSE(country_grid("iso3"));  // the heading of the table
}

TEST(Grid, GivenNumbersAreExactAndTheWorldIsNot) {
  EXPECT_EQ(given_grid(30.0).intensity.low, 30.0);
  EXPECT_LT(world_grid().intensity.low, world_grid().intensity.value);
  // 3.6 MJ are a kilowatt-hour.
  const Figure g = operational_carbon_of_run(Figure::exact(3.6e6, "J"), given_pue(1.5), given_grid(100.0).intensity);
  EXPECT_DOUBLE_EQ(g.value, 150.0);
  EXPECT_EQ(g.unit, "gCO2e");
  EXPECT_EQ(g.low, g.high);
}

TEST(Constants, IntervalIsTheLogNormalOfItsBounds) {
  // 0.3 … 1.3 is not symmetric about 0.65 in the logarithm; its width is kept.
  const Figure f = storage_power().figure(1.0, "Wh/(TB h)");
  EXPECT_NEAR(std::log(f.high / f.low), std::log(1.3 / 0.3), 1e-4);
  EXPECT_DOUBLE_EQ(f.value, 0.65);
}

TEST(Product, IndependentPartsAddInQuadratureAndSharedOnesLinearly) {
  const auto figure = [](const std::string& id, double u) {
    return Figure::from_components(2.0, "1", {{"c", 'B', u, 0.0, {CorrelationKind::Model, id}}});
  };
  const auto u = [](const Figure& f) { return std::log(f.high / f.low) / (2.0 * 1.959963984); };
  EXPECT_NEAR(u(product(figure("a", 0.03), figure("b", 0.04), "1")), 0.05, 1e-6);
  EXPECT_NEAR(u(product(figure("a", 0.03), figure("a", 0.04), "1")), 0.07, 1e-6);
  EXPECT_NEAR(u(product(figure("", 0.03), figure("", 0.04), "1")), 0.05, 1e-6);  // no id: shared with nothing
  EXPECT_DOUBLE_EQ(product(figure("a", 0.03), figure("b", 0.04), "1").value, 4.0);
}

TEST(Carbon, JoulesToGrams) {
  const Figure g = operational_carbon(Figure::exact(3.6e6, "J/GB"));
  EXPECT_NEAR(g.value, 1.56 * 475.0, 1e-9);  // one kilowatt-hour
  EXPECT_EQ(g.unit, "gCO2e/GB");
  EXPECT_LT(g.low, 475.0 * 1.56 / 1.5);  // the grid alone is uncertain by a factor 1.5
}

// ---- payback

TEST(Payback, AgreesWithTheFormulaByHand) {
  // 1 kJ/GB spent; half the bytes saved: 0.5 * 0.65 Wh/(TB h) * 3.6 J/(GB h per Wh/(TB h)) * 8766 h * 2 copies.
  const Payback p = payback_against_raw(row("m", 0.5, 1000.0, 100.0));
  ASSERT_EQ(p.kind, PaybackKind::After);
  EXPECT_NEAR(p.years.value, 1000.0 / (0.5 * 0.65 * 3.6 * 8766.0 * 2.0), 1e-9);
  EXPECT_LT(p.years.low, p.years.value);
  EXPECT_GT(p.years.high, p.years.value);
}

TEST(Payback, PueCancels) {
  PaybackAssumptions other;
  other.pue.value = 3.0;
  const SummaryRow r = row("m", 0.5, 1000.0, 100.0);
  EXPECT_NEAR(payback_against_raw(r).years.value, payback_against_raw(r, other).years.value, 1e-12);
  for (const Component& c : payback_against_raw(r).years.components)
    EXPECT_NE(c.correlation.kind, CorrelationKind::Pue);
}

TEST(Payback, NeverWhenNothingIsSaved) {
  EXPECT_EQ(payback_against_raw(row("m", 1.0, 10.0, 1.0)).kind, PaybackKind::Never);
  EXPECT_EQ(payback_against_raw(row("m", 1.5, 10.0, 1.0)).kind, PaybackKind::Never);
}

TEST(Payback, NeverWhenDecodingEatsTheSaving) {
  PaybackAssumptions often;
  often.fetches_per_year = 1000.0;
  EXPECT_EQ(payback_against_raw(row("m", 0.99, 10.0, 1e6), often).kind, PaybackKind::Never);
}

TEST(Payback, OpenEndedWhenTheSavingMayBeNothing) {
  PaybackAssumptions yearly;
  yearly.fetches_per_year = 1.0;
  // About as much is saved (11.2 kJ a year at 0.76) as decoding costs.
  const Payback p = payback_against_raw(row("m", 0.76, 10.0, 5000.0), yearly);
  ASSERT_EQ(p.kind, PaybackKind::After);
  EXPECT_TRUE(std::isinf(p.years.high));
  EXPECT_FALSE(p.explanation.empty());
}

TEST(Payback, UnknownEnergyIsUnknown) {
  SummaryRow r = row("m", 0.5, 10.0, 1.0);
  r.compress_energy.reset();
  EXPECT_EQ(payback_against_raw(r).kind, PaybackKind::Unknown);
  EXPECT_EQ(carbon_payback_against_raw(r).kind, PaybackKind::Unknown);
}

TEST(Payback, OverABaseline) {
  const SummaryRow base = row("base", 0.6, 1000.0, 100.0);
  EXPECT_EQ(payback_against(row("larger", 0.7, 10.0, 1.0), base).kind, PaybackKind::Never);
  EXPECT_EQ(payback_against(row("better", 0.5, 500.0, 100.0), base).kind, PaybackKind::AtOnce);
  const Payback p = payback_against(row("dearer", 0.5, 3000.0, 100.0), base);
  ASSERT_EQ(p.kind, PaybackKind::After);
  EXPECT_NEAR(p.years.value, 2000.0 / (0.1 * 0.65 * 3.6 * 8766.0 * 2.0), 1e-6);
}

TEST(Payback, CarbonIsQuickerBecauseDisksAreSaved) {
  const SummaryRow r = row("m", 0.5, 1000.0, 100.0);
  EXPECT_LT(carbon_payback_against_raw(r).years.value, payback_against_raw(r).years.value);
}

// ---- Pareto

TEST(Pareto, SharedUncertaintyDoesNotBlurTheOrder) {
  EXPECT_EQ(compare(joules(100, "a", 0.01), joules(110, "b", 0.01)), Order::Less);
  EXPECT_EQ(compare(joules(110, "a", 0.01), joules(100, "b", 0.01)), Order::More);
  EXPECT_EQ(compare(joules(100, "a", 0.05), joules(105, "b", 0.05)), Order::CannotTell);
  EXPECT_EQ(compare(joules(100, "a"), joules(100, "b")), Order::CannotTell);
}

TEST(Pareto, FrontDominatedAndOpen) {
  const auto status = pareto_front({{10, joules(400, "a", 0.01)},    // smallest
                                    {20, joules(100, "b", 0.01)},    // cheapest
                                    {30, joules(200, "c", 0.01)},    // larger and dearer than b
                                    {30, joules(101, "d", 0.02)}});  // larger than b; dearer only perhaps
  EXPECT_EQ(status[0], ParetoStatus::Front);
  EXPECT_EQ(status[1], ParetoStatus::Front);
  EXPECT_EQ(status[2], ParetoStatus::Dominated);
  EXPECT_EQ(status[3], ParetoStatus::CannotTell);
}

TEST(Pareto, UnknownEnergyCannotBeToldUnlessSmallest) {
  const auto status = pareto_front({{10, std::nullopt}, {20, joules(100, "b")}, {30, std::nullopt}});
  EXPECT_EQ(status[0], ParetoStatus::Front);
  EXPECT_EQ(status[1], ParetoStatus::CannotTell);
  EXPECT_EQ(status[2], ParetoStatus::CannotTell);
}

// ---- fidelity

ColumnFidelity column(const std::string& bound, double epsilon, double abs, double rel) {
  ColumnFidelity c;
  c.bound = bound;
  c.epsilon = epsilon;
  c.max_abs_error = abs;
  c.max_rel_error = rel;
  return c;
}

TEST(ErrorOverBound, OfEachKind) {
  EXPECT_EQ(error_over_bound(column("lossless", 0, 0, 0)), 0.0);
  EXPECT_TRUE(std::isinf(*error_over_bound(column("lossless", 0, 1e-9, 0))));
  EXPECT_DOUBLE_EQ(*error_over_bound(column("abs 0.5", 0.5, 0.25, 9)), 0.5);
  EXPECT_DOUBLE_EQ(*error_over_bound(column("rel 0.01", 0.01, 9, 0.02)), 2.0);
  EXPECT_DOUBLE_EQ(*error_over_bound(column("bits 9", 9, 9, std::exp2(-10))), 1.0);
  EXPECT_EQ(error_over_bound(column("none", 0, 3, 3)), std::nullopt);
}

}  // namespace
}  // namespace haywatt::metrics
