#include "meter/calibrated_power.hpp"

#include <algorithm>
#include <cmath>

#include "haywatt/base/error.hpp"
#include "meter/least_squares.hpp"
#include "meter/model_tables.hpp"
#include "meter/server_model.hpp"

namespace haywatt::meter {
namespace {

constexpr std::size_t n = CalibratedPower::terms;
using Vector = CalibratedPower::Vector;
using Matrix = std::array<Vector, n>;

/// What a reading scatters by before any is known: a declared guess for plugs and people, worth four readings.
constexpr double prior_scatter = 0.02, prior_readings = 4.0;

/// Lower triangle L with L L^T = a.
Matrix cholesky(const Matrix& a) {
  Matrix l{};
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = a[i][j];
      for (std::size_t k = 0; k < j; ++k) sum -= l[i][k] * l[j][k];
      if (i == j) {
        if (!(sum > 0.0))
          fail_input("the calibration's readings do not determine a curve: add readings at other loads");
        l[i][i] = std::sqrt(sum);
      } else {
        l[i][j] = sum / l[j][j];
      }
    }
  return l;
}

/// Inverse of L L^T.
Matrix inverse(const Matrix& l) {
  Matrix result{};
  for (std::size_t column = 0; column < n; ++column) {
    Vector y{};
    for (std::size_t i = 0; i < n; ++i) {
      double sum = i == column ? 1.0 : 0.0;
      for (std::size_t k = 0; k < i; ++k) sum -= l[i][k] * y[k];
      y[i] = sum / l[i][i];
    }
    for (std::size_t i = n; i-- > 0;) {
      double sum = y[i];
      for (std::size_t k = i + 1; k < n; ++k) sum -= l[k][i] * result[k][column];
      result[i][column] = sum / l[i][i];
    }
  }
  return result;
}

}  // namespace

double CalibratedPower::dot(const Vector& a, const Vector& b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

CalibratedPower::CalibratedPower(const Calibration& calibration, const std::string& micro_architecture) {
  functions_[0].fill(1.0);
  functions_[1] = curve_of("T2b", micro_architecture);
  for (std::size_t k = 2; k < n; ++k)
    for (std::size_t i = 0; i < 11; ++i)
      functions_[k][i] =
          coefficient("calibrated", "mode" + std::to_string(k - 1), "s" + std::to_string(10 * i)).value_or(0.0);

  const auto& points = calibration.points;
  const auto [least, most] =
      std::minmax_element(points.begin(), points.end(), [](const auto& a, const auto& b) { return a.load < b.load; });
  // Rise over the whole range, for the size of the modes.
  const double rise =
      (most->watts - least->watts) / (at_load(functions_[1], most->load) - at_load(functions_[1], least->load));
  double variance = prior_scatter * prior_scatter;
  for (int round = 0; round < 4; ++round) {
    Matrix normal{};
    Vector right{};
    for (const CalibrationPoint& p : points) {
      const Vector x = basis(p.load);
      const double weight = 1.0 / (variance * p.watts * p.watts);
      for (std::size_t i = 0; i < n; ++i) {
        right[i] += weight * x[i] * p.watts;
        for (std::size_t j = 0; j < n; ++j) normal[i][j] += weight * x[i] * x[j];
      }
    }
    for (std::size_t k = 2; k < n; ++k) normal[k][k] += 1.0 / (rise * rise);
    const Matrix covariance = inverse(cholesky(normal));
    double squares = 0.0;
    for (std::size_t i = 0; i < n; ++i) theta_[i] = dot(covariance[i], right);
    for (const CalibrationPoint& p : points) squares += std::pow((p.watts - watts(p.load)) / p.watts, 2);
    root_ = cholesky(covariance);
    const double freedom = std::max(static_cast<double>(points.size()) - 2.0, 0.0);
    variance = (prior_readings * prior_scatter * prior_scatter + squares) / (prior_readings + freedom);
  }
  const double widen =
      student_factor(static_cast<std::size_t>(prior_readings) + std::max<std::size_t>(points.size(), 2) - 2);
  for (Vector& row : root_)
    for (double& value : row) value *= widen;
  scatter_ = widen * std::sqrt(variance);
}

Vector CalibratedPower::basis(double u) const {
  Vector x{};
  for (std::size_t k = 0; k < n; ++k) x[k] = at_load(functions_[k], u);
  return x;
}

Vector CalibratedPower::parts(const Vector& x) const {
  Vector u{};
  for (std::size_t k = 0; k < n; ++k)
    for (std::size_t i = k; i < n; ++i) u[k] += x[i] * root_[i][k];
  return u;
}

double CalibratedPower::u_W(double u) const {
  const Vector p = parts(basis(u));
  return std::sqrt(dot(p, p) + std::pow(scatter_ * watts(u), 2));
}

}  // namespace haywatt::meter
