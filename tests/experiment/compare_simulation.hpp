/// Programs that exist only in a simulation: what they truly need is drawn, the comparison is not told.
#pragma once
#include <cmath>
#include <cstdint>
#include <random>
#include <string>

#include "haywatt/experiment/compare.hpp"

namespace haywatt::experiment {

/// How a machine disturbs runs. Standard deviations of logarithms.
struct Disturbance {
  double noise = 0.02;          ///< of each run
  bool heavy_tails = false;     ///< Student's t with 3 degrees of freedom instead of a normal distribution
  double outlier_share = 0.05;  ///< of the runs take outlier_factor times as long
  double outlier_factor = 1.5;
  bool outliers_in_b_only = false;
  double drift = 0.02;        ///< of a slow factor of the machine, which an earlier run's resembles (AR 1, 0.95)
  double slope = 0.0;         ///< of its steady part, over 80 runs
  double gain = 0.025;        ///< of the sensor: one draw for all runs
  double attribution = 0.0;   ///< of the sensor's joules to the program, one draw a side
  double method_watts = 0.0;  ///< of the estimate: watts that a program's instructions need, one draw a side
};

/// True ratios B/A.
struct Truth {
  double energy = 1.0, time = 1.0, cpu = 1.0, memory = 1.0;
};

class SimulatedPair {
 public:
  SimulatedPair(const Truth& truth, const Disturbance& d, std::uint64_t seed) : truth_(truth), d_(d), random_(seed) {
    gain_ = std::exp(d.gain * normal());
    for (double& x : assumed_) x = std::exp(std::hypot(d.attribution, d.method_watts) * normal());
    slope_ = d.slope * (2.0 * uniform() - 1.0);
    drift_ = normal();
  }

  meter::ProgramResult run(char side) {
    const bool b = side == 'B';
    drift_ = 0.95 * drift_ + std::sqrt(1.0 - 0.95 * 0.95) * normal();
    const double machine = std::exp(d_.drift * drift_ + slope_ * count_ / 80.0);
    const double slow = uniform() < d_.outlier_share && (b || !d_.outliers_in_b_only) ? d_.outlier_factor : 1.0;
    const auto value = [&](double base, double ratio) {
      return base * (b ? ratio : 1.0) * machine * slow * std::exp(d_.noise * draw());
    };
    meter::ProgramResult result;
    RunRecord& r = result.run;
    r.id = "run" + std::to_string(count_++);
    r.label = b ? b_ : a_;
    r.wall_s = value(2.0, truth_.time);
    r.cpu_s = value(1.5, truth_.cpu);
    r.rss_peak_B = static_cast<std::uint64_t>(
        std::llround(1e8 * (b ? truth_.memory : 1.0) * slow * std::exp(0.1 * d_.noise * draw())));
    const double joules = value(30.0, truth_.energy);
    const bool estimated = d_.method_watts > 0.0;
    for (const char* rule : {"marginal", "attributed"}) {
      EnergyFigure& e = r.energy.emplace_back();
      e.sensor = estimated ? "estimate" : "rapl-powercap";
      e.boundary = estimated ? "wall" : "package";
      e.share = "process-tree";
      e.rule = rule;
      e.joules = Figure::exact(joules * gain_ * assumed_[b], "J");
      e.joules.components = {{"gain", 'B', d_.gain, 0.0, {CorrelationKind::Sensor, "gain"}},
                             {"update period", 'B', 0.0, 0.01, {CorrelationKind::Run, r.id + ":edges"}}};
      if (d_.attribution > 0.0)
        e.joules.components.push_back(
            {"attribution", 'B', d_.attribution, 0.0, {CorrelationKind::Model, "attribution:m:" + r.id}});
      if (estimated)
        e.joules.components.push_back(
            {"workload of this method", 'B', d_.method_watts, 0.0, {CorrelationKind::Model, "workload:m:" + r.id}});
    }
    now_s_ += r.wall_s;
    return result;
  }

  [[nodiscard]] double now_s() const { return now_s_; }

  ComparisonRecord compare(const CompareOptions& options, const std::string& a = "a", const std::string& b = "b") {
    a_ = a;
    b_ = b;
    const CompareWorld world{{},
                             "test",
                             [this](char side) { return run(side); },
                             [this] { return now_s_; },
                             [] { return false; },
                             [](double, std::string_view) {}};
    return compare_commands({a, {a}, {}}, {b, {b}, {}}, options, world);
  }

 private:
  double uniform() { return std::uniform_real_distribution<double>()(random_); }
  double normal() { return std::normal_distribution<double>()(random_); }
  double draw() {
    if (!d_.heavy_tails) return normal();
    const double z = normal();
    double chi = 0.0;
    for (int i = 0; i < 3; ++i) chi += std::pow(normal(), 2);
    return z / std::sqrt(chi / 3.0);
  }

  Truth truth_;
  std::string a_, b_;
  Disturbance d_;
  std::mt19937_64 random_;
  double gain_ = 1.0, assumed_[2] = {1.0, 1.0}, slope_ = 0.0, drift_ = 0.0, now_s_ = 0.0;
  int count_ = 0;
};

}  // namespace haywatt::experiment
