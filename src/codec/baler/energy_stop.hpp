/// When another epoch of training is not worth its joules (docs/baler.md, "Stopping by energy"). Header-only, as
/// training_rules.hpp: the plug-in uses it too.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

namespace haywatt::baler {

/// The loss of an epoch with the chance taken out, and of the next one if nothing changes.
struct LossForecast {
  double now = 0.0, next = 0.0;
};

namespace energy_stop {

inline constexpr std::size_t least_losses = 4;  ///< three numbers are fitted
inline constexpr std::size_t window = 12;       ///< epochs looked at: older ones tell little of the next

struct Line {
  double level = 0.0, height = 0.0, misfit = std::numeric_limits<double>::infinity();
};

/// losses = level + height * shape with the least sum of relative deviations, by reweighted least squares; level from 0
/// and height from 0 up. One bad epoch hardly moves it.
inline Line fit(std::span<const double> losses, std::span<const double> shape) {
  constexpr int rounds = 20;
  Line line;
  std::vector<double> weight(losses.size());
  for (std::size_t i = 0; i < losses.size(); ++i) weight[i] = 1.0 / (losses[i] * losses[i]);
  for (int round = 0; round < rounds; ++round) {
    double w = 0.0, x = 0.0, y = 0.0, xx = 0.0, xy = 0.0;
    for (std::size_t i = 0; i < losses.size(); ++i) {
      w += weight[i];
      x += weight[i] * shape[i];
      y += weight[i] * losses[i];
      xx += weight[i] * shape[i] * shape[i];
      xy += weight[i] * shape[i] * losses[i];
    }
    const double spread = xx - x * x / w;
    line.height = spread > 0.0 ? std::max((xy - x * y / w) / spread, 0.0) : 0.0;
    line.level = (y - line.height * x) / w;
    if (line.level < 0.0) {
      line.level = 0.0;
      line.height = std::max(xy / xx, 0.0);
    }
    line.misfit = 0.0;
    for (std::size_t i = 0; i < losses.size(); ++i) {
      const double miss = std::fabs(losses[i] - line.level - line.height * shape[i]) / losses[i];
      line.misfit += miss;
      weight[i] = 1.0 / (std::max(miss, 1e-9) * losses[i] * losses[i]);
    }
  }
  return line;
}

}  // namespace energy_stop

/// Fits the last twelve losses by a decay towards a level not below 0, exponential (level + h exp(-k/tau)) or by a
/// power of the epoch's number (level + h k^-p), whichever deviates less; tau and p from a grid. Nothing with fewer
/// than four losses, or with one that is not a positive number.
[[nodiscard]] inline std::optional<LossForecast> forecast_loss(std::span<const double> losses) {
  using namespace energy_stop;
  if (losses.size() < least_losses) return std::nullopt;
  const std::size_t first = losses.size() - std::min(losses.size(), window);
  const std::span<const double> recent = losses.subspan(first);
  for (const double loss : recent)
    if (!(loss > 0.0) || !std::isfinite(loss)) return std::nullopt;
  const auto n = recent.size();
  Line best;
  LossForecast forecast;
  std::vector<double> shape(n + 1);
  const auto attempt = [&] {
    const Line line = fit(recent, std::span(shape).first(n));
    if (line.misfit >= best.misfit) return;
    best = line;
    forecast = {line.level + line.height * shape[n - 1], line.level + line.height * shape[n]};
  };
  for (double tau = 0.5; tau < 200.0; tau *= 1.05) {
    for (std::size_t i = 0; i <= n; ++i) shape[i] = std::exp(-static_cast<double>(i) / tau);
    attempt();
  }
  for (double power = 0.125; power <= 4.0; power *= 1.05) {
    for (std::size_t i = 0; i <= n; ++i) shape[i] = std::pow(static_cast<double>(first + i + 1), -power);
    attempt();
  }
  return forecast;
}

struct EnergyPrice {
  double joule_per_byte = 0.0;  ///< what a byte less is worth
  std::uint64_t values = 0;     ///< of the table
};

/// What another epoch would bring, and what it costs.
struct EpochValue {
  bool known = false;    ///< false: too early, or the joules are unknown; then training goes on
  double gain_B = 0.0;   ///< bytes of corrections that the next epoch saves
  double gain_J = 0.0;   ///< their worth
  double epoch_J = 0.0;  ///< its price
  [[nodiscard]] bool stops() const { return known && gain_J < epoch_J; }
};

/// `epoch_J`: joules of an epoch so far. The loss is a mean square, so half its binary logarithm is the number of bits
/// a value by which errors shrink, and by which a corrected value gets shorter (at high rate; Gersho and Gray
/// 1992, 5.6).
[[nodiscard]] inline EpochValue value_of_next_epoch(std::span<const double> losses, double epoch_J,
                                                    const EnergyPrice& price) {
  EpochValue value;
  value.epoch_J = epoch_J;
  const std::optional<LossForecast> forecast = forecast_loss(losses);
  if (!forecast || !std::isfinite(epoch_J)) return value;
  // At a forecast of 0 the gain has no limit.
  const double bits = 0.5 * std::log2(forecast->now / forecast->next);
  value.gain_B = static_cast<double>(price.values) * std::max(bits, 0.0) / 8.0;
  value.gain_J = value.gain_B * price.joule_per_byte;
  value.known = !std::isnan(value.gain_J);
  return value;
}

}  // namespace haywatt::baler
