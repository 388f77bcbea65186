/// Figures as functions of shared random quantities: what the algebra of figures is made of.
#pragma once
#include <vector>

#include "haywatt/record/figure.hpp"

namespace haywatt::record {

struct Bounds {
  double low = 0.0, high = 0.0;
};

/// One independent standard normal quantity z and how two figures depend on it:
/// a(z) = a.value * exp(a_rel z) + a_abs z, b likewise.
struct SharedQuantity {
  Component origin;  ///< name, type and correlation of the component it came from
  double a_rel = 0.0, a_abs = 0.0, b_rel = 0.0, b_abs = 0.0;
};

/// The random quantities of a and b; those with the same kind and the same non-empty id are one.
[[nodiscard]] std::vector<SharedQuantity> shared_quantities(const Figure& a, const Figure& b);

/// 2.5 and 97.5 % of a(z) + sign * b(z).
[[nodiscard]] Bounds draw_sum(const Figure& a, const Figure& b, double sign,
                              const std::vector<SharedQuantity>& quantities);
/// 2.5 and 97.5 % of f(z), its components taken as independent.
[[nodiscard]] Bounds draw_one(const Figure& f);

}  // namespace haywatt::record
