// When another epoch is not worth its joules.
#include "codec/baler/energy_stop.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "codec/baler_golden.hpp"

namespace haywatt::baler {
namespace {

std::vector<double> curve(std::size_t epochs, const std::function<double(double)>& loss) {
  std::vector<double> losses;
  for (std::size_t k = 1; k <= epochs; ++k) losses.push_back(loss(static_cast<double>(k)));
  return losses;
}

TEST(EnergyStop, ForecastsDecaysTowardALevel) {
  const std::vector<std::function<double(double)>> decays = {
      [](double k) { return 0.2 + 3.0 * std::exp(-k / 4.0); },
      [](double k) { return 5.0 * std::exp(-k / 9.0); },
      [](double k) { return 0.1 + 2.0 / k; },
      [](double k) { return 3.0 * std::pow(k, -0.5); },
      [](double) { return 0.7; },
  };
  for (const auto& decay : decays) {
    for (const std::size_t epochs : {6U, 10U, 30U}) {
      const auto forecast = forecast_loss(curve(epochs, decay));
      ASSERT_TRUE(forecast);
      const double now = decay(static_cast<double>(epochs)), next = decay(static_cast<double>(epochs) + 1);
      EXPECT_NEAR(forecast->now, now, 0.01 * now);
      EXPECT_NEAR(forecast->now - forecast->next, now - next, 0.15 * (now - next) + 1e-9) << epochs;
    }
  }
}

TEST(EnergyStop, OneBadEpochHardlyMatters) {
  const auto decay = [](double k) { return 1.0 + 4.0 * std::exp(-k / 5.0); };
  std::vector<double> losses = curve(12, decay);
  losses[8] *= 1.5;
  const auto forecast = forecast_loss(losses);
  ASSERT_TRUE(forecast);
  EXPECT_NEAR(forecast->now - forecast->next, decay(12) - decay(13), 0.2 * (decay(12) - decay(13)));
}

TEST(EnergyStop, NoiseWithoutTrendPromisesLittle) {
  test::Lcg g(3);
  const std::vector<double> losses = curve(40, [&g](double) { return 1.0 + 0.02 * (g.next() - 0.5); });
  const auto forecast = forecast_loss(losses);
  ASSERT_TRUE(forecast);
  EXPECT_GE(forecast->now, forecast->next);  // a rise is no gain
  EXPECT_LT(forecast->now - forecast->next, 0.002);
}

TEST(EnergyStop, SaysNothingTooEarlyOrOfNonsense) {
  EXPECT_FALSE(forecast_loss(std::vector<double>{3.0, 2.0, 1.0}));
  EXPECT_FALSE(forecast_loss(std::vector<double>{3.0, 2.0, std::nan(""), 1.0, 1.0}));
  EXPECT_FALSE(forecast_loss(std::vector<double>{3.0, 2.0, 1.0, 0.0}));
  const std::vector<double> losses = curve(10, [](double k) { return 1.0 / k; });
  EXPECT_FALSE(value_of_next_epoch(losses, std::nan(""), {1.0, 100}).known);
  EXPECT_FALSE(value_of_next_epoch({losses.data(), 2}, 1.0, {1.0, 100}).stops());
}

TEST(EnergyStop, StopsWhereTheGainFallsBelowThePrice) {
  // 0.5 log2(2) = half a bit a value and epoch: 16,000 values make 1,000 bytes.
  const std::vector<double> halving = curve(6, [](double k) { return std::pow(2.0, -k); });
  const EpochValue value = value_of_next_epoch(halving, 1.0, {0.01, 16000});
  ASSERT_TRUE(value.known);
  EXPECT_NEAR(value.gain_B, 1000.0, 100.0);
  EXPECT_NEAR(value.gain_J, 10.0, 1.0);
  EXPECT_FALSE(value.stops());
  EXPECT_TRUE(value_of_next_epoch(halving, 11.0, {0.01, 16000}).stops());
  EXPECT_FALSE(value_of_next_epoch(halving, 11.0, {0.02, 16000}).stops());
  EXPECT_FALSE(value_of_next_epoch(halving, 11.0, {0.01, 32000}).stops());
  // A higher price of bytes stops later or never, along any curve.
  const auto epochs_at = [](double joule_per_byte) {
    for (std::size_t e = 1; e <= 100; ++e) {
      const auto losses = curve(e, [](double k) { return 0.05 + std::exp(-k / 6.0); });
      if (value_of_next_epoch(losses, 1.0, {joule_per_byte, 1000}).stops()) return e;
    }
    return std::size_t{101};
  };
  EXPECT_LT(epochs_at(0.1), epochs_at(0.5));
  EXPECT_LT(epochs_at(0.5), epochs_at(10.0));
  EXPECT_LE(epochs_at(10.0), 101U);
}

}  // namespace
}  // namespace haywatt::baler
