// Places of minor planets: Kepler's equation by Newton's method for many orbits and days, then the position in space.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <vector>

namespace {
struct Orbit {
  double axis_au, eccentricity, inclination, node, mean_anomaly, motion_per_day;
};

double uniform(std::uint64_t& state) {
  state = state * 6364136223846793005ull + 1442695040888963407ull;
  return static_cast<double>(state >> 11) * 0x1p-53;
}
}  // namespace

int main() {
  constexpr int kOrbits = 2000, kDays = 3000;
  std::uint64_t state = 11;
  std::vector<Orbit> orbits;
  for (int i = 0; i < kOrbits; ++i) {
    const double axis = 1.8 + 2.0 * uniform(state);
    orbits.push_back({axis, 0.4 * uniform(state), 0.3 * uniform(state), 6.283 * uniform(state), 6.283 * uniform(state),
                      0.01720209895 / (axis * std::sqrt(axis))});
  }
  double closest = 1e9, sum = 0;
  for (int day = 0; day < kDays; ++day) {
    const double earth = 0.01720209895 * day;
    const double ex = std::cos(earth), ey = std::sin(earth);
    for (const auto& o : orbits) {
      const double mean = o.mean_anomaly + o.motion_per_day * day;
      double anomaly = mean + o.eccentricity * std::sin(mean);
      for (int step = 0; step < 3; ++step)
        anomaly -= (anomaly - o.eccentricity * std::sin(anomaly) - mean) / (1.0 - o.eccentricity * std::cos(anomaly));
      const double px = o.axis_au * (std::cos(anomaly) - o.eccentricity);
      const double py = o.axis_au * std::sqrt(1.0 - o.eccentricity * o.eccentricity) * std::sin(anomaly);
      const double x = px * std::cos(o.node) - py * std::cos(o.inclination) * std::sin(o.node);
      const double y = px * std::sin(o.node) + py * std::cos(o.inclination) * std::cos(o.node);
      const double z = py * std::sin(o.inclination);
      const double distance = std::sqrt((x - ex) * (x - ex) + (y - ey) * (y - ey) + z * z);
      closest = std::fmin(closest, distance);
      sum += distance;
    }
  }
  std::printf("%.9f %.6f\n", closest, sum);
}
