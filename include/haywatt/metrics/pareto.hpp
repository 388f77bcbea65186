/// Which methods are not beaten in size and energy at once.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "haywatt/metrics/summary.hpp"

namespace haywatt::metrics {

/// How one energy compares with another, decided by their joint ratio (what both share cancels).
enum class Order { Less, More, CannotTell };

/// Less if the interval of ratio(a, b) lies wholly below 1, More if wholly above, else CannotTell; a ratio of exact
/// figures that is exactly 1 is CannotTell too.
[[nodiscard]] Order compare(const Figure& a, const Figure& b);

struct ParetoPoint {
  double size_B = 0.0;           ///< exact: sizes do not vary between repeats
  std::optional<Figure> energy;  ///< nothing: unknown
};

enum class ParetoStatus {
  Front,       ///< no other point can be both as small and as cheap
  Dominated,   ///< another point is no larger and surely uses less energy
  CannotTell,  ///< the energies' joint intervals leave it open
};

/// One status a point, in order. Points of one error bound only: a looser bound buys size, not merit.
[[nodiscard]] std::vector<ParetoStatus> pareto_front(const std::vector<ParetoPoint>& points);

/// Size (B/row) and attributed energy of each row within its bound; nothing for rows without a successful run.
[[nodiscard]] std::vector<std::optional<ParetoStatus>> pareto_by_bound(const Summary& summary);

}  // namespace haywatt::metrics
