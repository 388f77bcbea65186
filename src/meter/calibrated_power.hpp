/// The curve of a calibrated machine: P(u) = a + b s(u) + sum c_k m_k(u), with s the curve of servers and m_k the ways
/// in which servers' curves differ from it (share/energy/model_coefficients.csv, "calibrated"). a and b are free; c_k /
/// b has the spread of servers as its prior. Least squares in W relative to the reading.
#pragma once
#include <array>

#include "haywatt/meter/calibration.hpp"

namespace haywatt::meter {

class CalibratedPower {
 public:
  static constexpr std::size_t terms = 6;
  using Vector = std::array<double, terms>;

  /// `calibration` has passed check_calibration.
  CalibratedPower(const Calibration& calibration, const std::string& micro_architecture);
  [[nodiscard]] Vector basis(double u) const;
  [[nodiscard]] double watts(double u) const { return dot(basis(u), theta_); }
  [[nodiscard]] double value(const Vector& x) const { return dot(x, theta_); }
  /// Standard uncertainties of x theta by independent parts (Cholesky), widened for few readings.
  [[nodiscard]] Vector parts(const Vector& x) const;
  /// Relative scatter of one reading about the curve: what temperature, fans and the meter's gain change next time.
  [[nodiscard]] double scatter() const { return scatter_; }
  /// Standard uncertainty of watts(u) at another time.
  [[nodiscard]] double u_W(double u) const;
  static double dot(const Vector& a, const Vector& b);

 private:
  std::array<std::array<double, 11>, terms> functions_{};
  Vector theta_{};
  std::array<Vector, terms> root_{};  ///< lower Cholesky factor of the covariance of theta
  double scatter_ = 0.0;
};

}  // namespace haywatt::meter
