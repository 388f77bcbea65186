/// Small linear least squares by the normal equations.
#pragma once
#include <cstddef>
#include <optional>
#include <vector>

namespace haywatt::meter {

struct LeastSquares {
  std::vector<double> coefficients;
  std::vector<double> u;  ///< standard uncertainties, from the residuals
  std::size_t degrees_of_freedom = 0;
  double residual_variance = 0.0;
};

/// y = X b. `rows[k]` holds the regressors of y[k], all of one length. Nothing where they cannot be told apart (a
/// column of zeros, collinear columns) or where fewer than two degrees of freedom are left.
[[nodiscard]] std::optional<LeastSquares> least_squares(const std::vector<std::vector<double>>& rows,
                                                        const std::vector<double>& y);

/// 97.5 % quantile of Student's t over that of the normal distribution (Cornish-Fisher expansion, Abramowitz and Stegun
/// 26.7.5): by how much an uncertainty from few residuals is to be widened.
[[nodiscard]] double student_factor(std::size_t degrees_of_freedom);

}  // namespace haywatt::meter
