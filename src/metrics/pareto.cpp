#include "haywatt/metrics/pareto.hpp"

#include <cmath>

namespace haywatt::metrics {

Order compare(const Figure& a, const Figure& b) {
  const Figure r = ratio(a, b);
  if (!std::isfinite(r.value)) return Order::CannotTell;
  if (r.high < 1.0) return Order::Less;
  if (r.low > 1.0) return Order::More;
  return Order::CannotTell;
}

namespace {

/// May `other` dominate `self`? Less: surely, CannotTell: perhaps, More: no.
Order domination(const ParetoPoint& other, const ParetoPoint& self) {
  if (!(other.size_B <= self.size_B)) return Order::More;
  if (!other.energy || !self.energy) return Order::CannotTell;
  return compare(*other.energy, *self.energy);
}

}  // namespace

std::vector<ParetoStatus> pareto_front(const std::vector<ParetoPoint>& points) {
  std::vector<ParetoStatus> status(points.size(), ParetoStatus::Front);
  for (std::size_t i = 0; i < points.size(); ++i) {
    for (std::size_t j = 0; j < points.size(); ++j) {
      if (i == j) continue;
      const Order order = domination(points[j], points[i]);
      if (order == Order::Less) {
        status[i] = ParetoStatus::Dominated;
        break;
      }
      if (order == Order::CannotTell) status[i] = ParetoStatus::CannotTell;
    }
  }
  return status;
}

std::vector<std::optional<ParetoStatus>> pareto_by_bound(const Summary& summary) {
  std::vector<std::optional<ParetoStatus>> statuses(summary.rows.size());
  for (const std::string& bound : summary.bounds()) {
    std::vector<ParetoPoint> points;
    std::vector<std::size_t> indices;
    for (std::size_t i = 0; i < summary.rows.size(); ++i) {
      const SummaryRow& row = summary.rows[i];
      if (!row.decoded() || row.bound != bound) continue;
      points.push_back({static_cast<double>(row.compressed_B), row.attributed.value});
      indices.push_back(i);
    }
    const auto found = pareto_front(points);
    for (std::size_t k = 0; k < indices.size(); ++k) statuses[indices[k]] = found[k];
  }
  return statuses;
}

}  // namespace haywatt::metrics
