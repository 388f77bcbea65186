#include <algorithm>
#include <array>
#include <cmath>

#include "haywatt/base/error.hpp"
#include "haywatt/distributed/cost_model.hpp"

namespace haywatt::distributed {
namespace {

constexpr std::size_t terms = 3;
using Row = std::array<double, terms>;

Row features(const LayerKey& k) {
  const double weights = static_cast<double>(k.inputs) * static_cast<double>(k.outputs);
  return {1.0, 2.0 * static_cast<double>(k.rows) * weights, 4.0 * weights};
}

/// Least squares of x·c = 1 over the terms in `use`, by Cholesky-free elimination of the normal equations.
bool solve(const std::vector<Row>& rows, unsigned use, Row& c) {
  std::array<std::array<double, terms + 1>, terms> m{};
  for (const Row& x : rows)
    for (std::size_t i = 0; i < terms; ++i) {
      for (std::size_t j = 0; j < terms; ++j) m[i][j] += x[i] * x[j];
      m[i][terms] += x[i];
    }
  for (std::size_t i = 0; i < terms; ++i)
    if ((use >> i & 1U) == 0) {
      m[i] = {};
      for (std::size_t j = 0; j < terms; ++j) m[j][i] = 0.0;
      m[i][i] = 1.0;
    }
  for (std::size_t i = 0; i < terms; ++i) {
    if (!(m[i][i] > 0.0)) return false;
    for (std::size_t k = i + 1; k < terms; ++k) {
      const double factor = m[k][i] / m[i][i];
      for (std::size_t j = i; j <= terms; ++j) m[k][j] -= factor * m[i][j];
    }
  }
  for (std::size_t i = terms; i-- > 0;) {
    c[i] = m[i][terms];
    for (std::size_t j = i + 1; j < terms; ++j) c[i] -= m[i][j] * c[j];
    c[i] /= m[i][i];
  }
  return std::all_of(c.begin(), c.end(), [](double v) { return std::isfinite(v) && v >= 0.0; });
}

double predicted(const Row& x, const Row& c) { return x[0] * c[0] + x[1] * c[1] + x[2] * c[2]; }

}  // namespace

Company company_of(Layout layout, std::uint64_t rows, std::uint64_t micro_batches) {
  if (layout == Layout::Single) return Company::Alone;
  if (layout == Layout::Tensor) return Company::Slices;
  if (!is_model_parallel(layout)) return Company::Rows;
  return std::min(rows, micro_batches) > 1 ? Company::Stages : Company::Turns;
}

LayerKey key_of(const Step& step, Company company) {
  if (step.kind == StepKind::Finish) return {step.rows.size(), 0, step.outputs.size(), company};
  return {step.rows.size(), step.inputs.size(), step.outputs.size(), company};
}

void ComputeModel::fit() {
  std::vector<Row> rows, scaled;
  std::vector<double> seconds;
  for (const auto& [key, t] : measured_) {
    if (key.inputs == 0 || !(t > 0.0)) continue;
    rows.push_back(features(key));
    seconds.push_back(t);
    Row s = rows.back();
    for (double& v : s) v /= t;
    scaled.push_back(s);
  }
  if (rows.size() < terms) fail_usage("a curve of layer times needs at least three measured layers");
  // Columns of very different size are brought to 1 first. Of all choices of terms whose factors are not negative, the
  // best is kept (non-negative least squares by enumeration).
  Row unit{};
  for (const Row& s : scaled)
    for (std::size_t i = 0; i < terms; ++i) unit[i] += s[i] * s[i];
  for (double& u : unit) u = std::sqrt(u);
  std::vector<Row> normal = scaled;
  for (Row& s : normal)
    for (std::size_t i = 0; i < terms; ++i) s[i] /= unit[i];
  double best = INFINITY;
  Row factors{};
  for (unsigned use = 1; use < (1U << terms); ++use) {
    Row c{};
    if (!solve(normal, use, c)) continue;
    double squares = 0.0;
    for (const Row& s : normal) squares += std::pow(predicted(s, c) - 1.0, 2.0);
    if (squares < best) {
      best = squares;
      factors = c;
    }
  }
  for (std::size_t i = 0; i < terms; ++i) factors[i] /= unit[i];
  Curve curve{factors[0], factors[1], factors[2], 0.0, 0.0};
  std::vector<double> deviations;
  for (std::size_t i = 0; i < rows.size(); ++i)
    deviations.push_back(std::abs(predicted(rows[i], factors) / seconds[i] - 1.0));
  std::sort(deviations.begin(), deviations.end());
  curve.worst_deviation = deviations.back();
  curve.median_deviation = deviations[deviations.size() / 2];
  curve_ = curve;
}

double ComputeModel::seconds(const LayerKey& key) const {
  if (const auto it = measured_.find(key); it != measured_.end()) return it->second;
  if (!curve_) fail_usage("no layer of this shape was measured and there is no curve");
  if (key.inputs == 0) return curve_->layer_s;  // bias and LeakyReLU alone are small beside any layer
  const Row x = features(key);
  return predicted(x, {curve_->layer_s, curve_->s_per_FLOP, curve_->s_per_weight_B});
}

}  // namespace haywatt::distributed
