#include "meter/least_squares.hpp"

#include <cmath>

namespace haywatt::meter {
namespace {

constexpr double least_pivot = 1e-9;  // of columns scaled to length 1

using Matrix = std::vector<std::vector<double>>;

/// L with A = L L^T, in place of the lower half; false where A is not clearly positive definite.
bool cholesky(Matrix& a) {
  for (std::size_t i = 0; i < a.size(); ++i)
    for (std::size_t j = 0; j <= i; ++j) {
      double s = a[i][j];
      for (std::size_t k = 0; k < j; ++k) s -= a[i][k] * a[j][k];
      if (i == j && !(s > least_pivot)) return false;
      a[i][j] = i == j ? std::sqrt(s) : s / a[j][j];
    }
  return true;
}

/// A x = v.
std::vector<double> solve(const Matrix& l, std::vector<double> v) {
  const std::size_t n = l.size();
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < i; ++k) v[i] -= l[i][k] * v[k];
    v[i] /= l[i][i];
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t k = i + 1; k < n; ++k) v[i] -= l[k][i] * v[k];
    v[i] /= l[i][i];
  }
  return v;
}

}  // namespace

std::optional<LeastSquares> least_squares(const std::vector<std::vector<double>>& rows, const std::vector<double>& y) {
  const std::size_t n = rows.size(), p = n == 0 ? 0 : rows.front().size();
  if (p == 0 || n < p + 2) return std::nullopt;
  std::vector<double> scale(p, 0.0);
  for (const auto& row : rows)
    for (std::size_t j = 0; j < p; ++j) scale[j] += row[j] * row[j];
  for (double& s : scale) {
    if (!(s > 0.0)) return std::nullopt;
    s = std::sqrt(s);
  }
  Matrix a(p, std::vector<double>(p, 0.0));
  std::vector<double> right(p, 0.0);
  for (std::size_t k = 0; k < n; ++k)
    for (std::size_t i = 0; i < p; ++i) {
      const double x = rows[k][i] / scale[i];
      right[i] += x * y[k];
      for (std::size_t j = 0; j <= i; ++j) a[i][j] += x * rows[k][j] / scale[j];
    }
  if (!cholesky(a)) return std::nullopt;
  LeastSquares fit;
  fit.coefficients = solve(a, right);
  double residual = 0.0;
  for (std::size_t k = 0; k < n; ++k) {
    double e = y[k];
    for (std::size_t j = 0; j < p; ++j) e -= fit.coefficients[j] * rows[k][j] / scale[j];
    residual += e * e;
  }
  fit.degrees_of_freedom = n - p;
  fit.residual_variance = residual / static_cast<double>(n - p);
  fit.u.resize(p);
  for (std::size_t j = 0; j < p; ++j) {
    std::vector<double> unit(p, 0.0);
    unit[j] = 1.0;
    fit.u[j] = std::sqrt(fit.residual_variance * solve(a, unit)[j]) / scale[j];
    fit.coefficients[j] /= scale[j];
  }
  return fit;
}

double student_factor(std::size_t degrees_of_freedom) {
  constexpr double z = 1.959963985;
  if (degrees_of_freedom == 0) return INFINITY;
  const double v = static_cast<double>(degrees_of_freedom);
  const double g1 = (z * z + 1.0) / 4.0, g2 = (5.0 * std::pow(z, 4) + 16.0 * z * z + 3.0) / 96.0;
  const double g3 = (3.0 * std::pow(z, 6) + 19.0 * std::pow(z, 4) + 17.0 * z * z - 15.0) / 384.0;
  return 1.0 + g1 / v + g2 / (v * v) + g3 / (v * v * v);
}

}  // namespace haywatt::meter
