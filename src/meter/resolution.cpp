#include "meter/resolution.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "meter/least_squares.hpp"

namespace haywatt::meter {
namespace {

constexpr double periods_for_power = 5.0;   // of the stretch from which the power at a reading is taken
constexpr double periods_a_stretch = 2.0;   // of the regression
constexpr std::size_t most_regressed = 24;  // phases
constexpr double others_worth_a_column = 0.02;
constexpr double sharp_enough = 0.05;  // of a phase's energy: then it is read directly
constexpr std::size_t lags = 9;        // that are tried
/// Errors at the ends of neighbouring stretches are the same with opposite signs, which residuals taken as independent
/// do not know: at worst they double the variance.
constexpr double neighbours = 1.4142135623730951;

double seconds(std::int64_t ns) { return static_cast<double>(ns) * 1e-9; }

/// What is shown is at most this old: a period, and where power is integrated, of which a sensor shows the mean over
/// its last period, one more.
double longest_lag_s(const SensorChannel& c) { return c.update_period_s * (c.integrated_power ? 2.0 : 1.0); }

/// The error of an energy whose share of the machine is f before a reading and g after it: the counter lags by L,
/// evenly distributed up to the longest, so P L (g - f) joules land on the wrong side.
///
/// With P_a before and P_b after a phase's borders, (P_a - P_b) L a time is a bias. Where phases are long against the
/// period, the powers are measured; where not, they may differ by as much as their mean, evenly distributed within +-.
struct LagError {
  double bias_J = 0.0, variance_J2 = 0.0, contrast_J = 0.0;
  void add(double watts, bool measured, double longest_s, double difference) {
    const double mean_J = watts * longest_s / 2.0 * difference;
    if (measured)
      bias_J += mean_J;
    else
      contrast_J += std::fabs(mean_J) / 2.0 / std::sqrt(3.0);  // one phase has two borders
    variance_J2 += std::pow(watts * longest_s * difference, 2) / 12.0;
  }
  [[nodiscard]] double u(double step_J) const {
    return std::sqrt(bias_J * bias_J + contrast_J * contrast_J + variance_J2 + step_J * step_J / 6.0);
  }
};

/// Power of the machine just before a reading, and whether it is that of what ran there (else of a longer time).
struct PowerBefore {
  double watts = 0.0;
  bool measured = true;
};

/// Before each reading, over a few periods; before the first, idle.
std::vector<PowerBefore> power_before(const Timeline& t, const std::vector<double>& joules, double period_s,
                                      double idle_W) {
  const std::size_t n = t.readings.size();
  const double run_s = seconds(t.readings[n - 1].wall_ns - t.readings[0].wall_ns),
               enough_s = periods_for_power * period_s;
  const double mean_W = run_s > 0.0 ? (joules[n - 1] - joules[0]) / run_s : 0.0;
  std::vector<PowerBefore> before(n, {idle_W, true});
  for (std::size_t i = 1, from = 0; i < n; ++i) {
    const auto since = [&](std::size_t j) { return seconds(t.readings[i].wall_ns - t.readings[j].wall_ns); };
    while (from + 1 < i && since(from + 1) >= enough_s) ++from;
    before[i].watts = since(from) >= enough_s ? (joules[i] - joules[from]) / since(from) : mean_W;
    before[i].measured = since(i - 1) >= enough_s;
  }
  return before;
}

/// Sets resolution_J of phases read directly.
void direct(const Timeline& t, const std::vector<PowerBefore>& power, const SensorChannel& c, bool device_told,
            Shares& shares) {
  std::map<PhaseId, LagError> errors;
  LagError run;
  std::map<PhaseId, double> before, after;
  double run_before = 0.0;
  for (std::size_t i = 0; i <= t.slices.size(); ++i) {
    after.clear();
    const double share = i < t.slices.size() ? shares.share_steps[i] : 0.0;
    if (i < t.slices.size())
      for (const SlicePart& p : slice_parts(t.slices[i], device_told)) after[p.phase] += share * p.of_energy;
    for (const auto& [phase, f] : before)
      if (!after.contains(phase)) errors[phase].add(power[i].watts, power[i].measured, longest_lag_s(c), -f);
    for (const auto& [phase, f] : after) {
      const auto had = before.find(phase);
      errors[phase].add(power[i].watts, power[i].measured, longest_lag_s(c),
                        f - (had == before.end() ? 0.0 : had->second));
    }
    run.add(power[i].watts, power[i].measured, longest_lag_s(c), share - run_before);
    run_before = share;
    std::swap(before, after);
  }
  for (auto& [phase, parts] : shares.phases) parts.resolution_J = errors[phase].u(c.resolution_J);
  shares.run.resolution_J = run.u(c.resolution_J);
}

/// Time used so far by each phase, and by the other programs of the machine, at any moment of the run.
class Usage {
 public:
  Usage(const Timeline& t, bool by_wall, const std::map<PhaseId, Parts>& phases) : timeline_(t) {
    for (const auto& [phase, unused] : phases) columns_.push_back(phase);
    const std::size_t others = columns_.size();
    std::vector<double> now(others + 1, 0.0);
    at_.push_back(now);
    std::vector<double> other_steps(t.slices.size(), 0.0);
    if (!by_wall)
      for (const SlowInterval& s : slow_intervals(t))
        for (std::size_t i = s.first; i < s.last; ++i)
          other_steps[i] = (s.machine_busy_s - s.process_cpu_s) * part_of(s, t, i);
    for (std::size_t i = 0; i < t.slices.size(); ++i) {
      for (const PhaseUse& u : t.slices[i]) {
        const auto column = std::lower_bound(columns_.begin(), columns_.end(), u.phase) - columns_.begin();
        now[static_cast<std::size_t>(column)] += (by_wall ? u.wall_ns : u.cpu_ns) * 1e-9;
      }
      now[others] += other_steps[i];
      at_.push_back(now);
    }
    // Hardly anybody else: no column, which would be of ticks only.
    const double all = std::accumulate(now.begin(), now.end(), 0.0);
    if (now[others] <= others_worth_a_column * all)
      for (auto& row : at_) row.pop_back();
  }
  /// At a moment before or at reading i.
  [[nodiscard]] std::vector<double> at(std::size_t i, std::int64_t wall_ns) const {
    while (i > 0 && timeline_.readings[i - 1].wall_ns > wall_ns) --i;
    if (i == 0) return at_.front();
    const double length = seconds(timeline_.readings[i].wall_ns - timeline_.readings[i - 1].wall_ns);
    const double part =
        length > 0.0 ? std::clamp(seconds(wall_ns - timeline_.readings[i - 1].wall_ns) / length, 0.0, 1.0) : 1.0;
    std::vector<double> v = at_[i - 1];
    for (std::size_t j = 0; j < v.size(); ++j) v[j] += part * (at_[i][j] - v[j]);
    return v;
  }
  [[nodiscard]] const std::vector<PhaseId>& columns() const { return columns_; }
  [[nodiscard]] const std::vector<double>& total() const { return at_.back(); }

 private:
  const Timeline& timeline_;
  std::vector<PhaseId> columns_;
  std::vector<std::vector<double>> at_;  ///< by reading
};

/// Stretches of two periods and more: joules above idle, and the time of each phase (and of other programs) in them as
/// the counter shows it, `lag_s` old.
struct Stretches {
  std::vector<std::vector<double>> time;
  std::vector<double> joules;
};

Stretches stretches(const Timeline& t, const std::vector<double>& joules, const SensorChannel& c, double idle_W,
                    const Usage& usage, double lag_s) {
  const auto lag_ns = static_cast<std::int64_t>(lag_s * 1e9);
  Stretches out;
  std::size_t from = 0;
  std::vector<double> used = usage.at(0, t.readings[0].wall_ns);
  for (std::size_t i = 1; i < t.readings.size(); ++i) {
    const double length_s = seconds(t.readings[i].wall_ns - t.readings[from].wall_ns);
    if (length_s < periods_a_stretch * c.update_period_s) continue;
    const std::vector<double> now = usage.at(i, t.readings[i].wall_ns - lag_ns);
    std::vector<double> row(now.size());
    for (std::size_t j = 0; j < now.size(); ++j) row[j] = now[j] - used[j];
    out.time.push_back(std::move(row));
    out.joules.push_back(joules[i] - joules[from] - idle_W * length_s);
    used = now;
    from = i;
  }
  return out;
}

/// Least squares over the lags that are possible, each weighted by its likelihood: mean and total variance.
std::optional<LeastSquares> fit_over_lags(const std::vector<Stretches>& by_lag) {
  std::vector<LeastSquares> fits;
  for (const Stretches& s : by_lag)
    if (auto fit = least_squares(s.time, s.joules)) fits.push_back(std::move(*fit));
  if (fits.empty()) return std::nullopt;
  const auto sharpest = std::min_element(
      fits.begin(), fits.end(), [](const auto& a, const auto& b) { return a.residual_variance < b.residual_variance; });
  if (!(sharpest->residual_variance > 0.0)) return *sharpest;
  LeastSquares mean = *sharpest;
  double weights = 0.0;
  std::vector<double> squares(mean.u.size(), 0.0);
  std::fill(mean.coefficients.begin(), mean.coefficients.end(), 0.0);
  for (const LeastSquares& f : fits) {
    const double weight =
        std::pow(f.residual_variance / sharpest->residual_variance, -0.5 * static_cast<double>(f.degrees_of_freedom));
    weights += weight;
    for (std::size_t j = 0; j < squares.size(); ++j) {
      mean.coefficients[j] += weight * f.coefficients[j];
      squares[j] += weight * (f.u[j] * f.u[j] + f.coefficients[j] * f.coefficients[j]);
    }
  }
  for (std::size_t j = 0; j < squares.size(); ++j) {
    mean.coefficients[j] /= weights;
    mean.u[j] = std::sqrt(
        std::max(squares[j] / weights - mean.coefficients[j] * mean.coefficients[j], sharpest->u[j] * sharpest->u[j]));
  }
  return mean;
}

/// Phases' parts by least squares, in `phases`; the number of stretches, 0 where they cannot be told apart.
std::size_t regress(const Timeline& t, const std::vector<double>& joules, const SensorChannel& c, double idle_W,
                    bool device_told, const Shares& shares, std::map<PhaseId, Parts>& phases) {
  if (shares.phases.size() > most_regressed || t.readings.size() < 4) return 0;
  if (device_told &&
      std::any_of(shares.share_steps.begin(), shares.share_steps.end(), [](double s) { return s < 1.0; }))
    return 0;
  const Usage usage(t, device_told, shares.phases);
  std::vector<Stretches> by_lag;
  for (std::size_t i = 0; i < lags; ++i)
    by_lag.push_back(stretches(t, joules, c, idle_W, usage,
                               longest_lag_s(c) * static_cast<double>(i) / static_cast<double>(lags - 1)));
  const auto fit = fit_over_lags(by_lag);
  if (!fit) return 0;
  const double widen = neighbours * student_factor(fit->degrees_of_freedom);
  double sum_J = 0.0, variance = 0.0;
  for (std::size_t j = 0; j < usage.columns().size(); ++j) {
    Parts& p = phases[usage.columns()[j]] = shares.phases.at(usage.columns()[j]);
    p.energy_J = fit->coefficients[j] * usage.total()[j] + idle_W * p.busy_s;
    p.resolution_J = std::hypot(widen * fit->u[j] * usage.total()[j], c.resolution_J / std::sqrt(6.0));
    p.mixed_J = p.mixed_s = 0.0;
    sum_J += p.energy_J;
    variance += p.resolution_J * p.resolution_J;
  }
  // The run is known better than its phases: what they miss of it goes to those that are known least.
  const double missing_J = shares.run.energy_J - sum_J;
  for (auto& [phase, p] : phases)
    p.energy_J += missing_J * (variance > 0.0 ? p.resolution_J * p.resolution_J / variance
                                              : 1.0 / static_cast<double>(phases.size()));
  return by_lag.front().time.size();
}

double sum_of_squares(const std::map<PhaseId, Parts>& phases) {
  return std::accumulate(phases.begin(), phases.end(), 0.0,
                         [](double s, const auto& p) { return s + p.second.resolution_J * p.second.resolution_J; });
}

}  // namespace

std::string resolve_phases(const Timeline& timeline, const std::vector<double>& joules, const SensorChannel& channel,
                           double idle_W, bool device_told, Shares& shares) {
  direct(timeline, power_before(timeline, joules, channel.update_period_s, idle_W), channel, device_told, shares);
  if (std::all_of(shares.phases.begin(), shares.phases.end(),
                  [](const auto& p) { return p.second.resolution_J <= sharp_enough * p.second.energy_J; }))
    return {};
  std::map<PhaseId, Parts> regressed;
  const std::size_t stretches = regress(timeline, joules, channel, idle_W, device_told, shares, regressed);
  if (stretches == 0 || !(sum_of_squares(regressed) < sum_of_squares(shares.phases))) return {};
  shares.phases = std::move(regressed);
  return fmt::format("phases are shorter than the counter's period: least squares over {} stretches", stretches);
}

double machine_resolution_J(const Timeline& timeline, const std::vector<double>& joules, const SensorChannel& channel,
                            double idle_W) {
  const auto power = power_before(timeline, joules, channel.update_period_s, idle_W);
  LagError e;
  e.add(power.front().watts, true, longest_lag_s(channel), 1.0);
  e.add(power.back().watts, true, longest_lag_s(channel), -1.0);
  return e.u(channel.resolution_J);
}

bool is_resolved(const Parts& phase) { return 1.96 * phase.resolution_J < phase.energy_J; }

}  // namespace haywatt::meter
