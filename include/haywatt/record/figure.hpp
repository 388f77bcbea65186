/// Figures: values that know how sure they are and what they share with other figures.
///
/// Terms follow the GUM (JCGM 100:2008): a component of type A was evaluated from repeats, type B from other knowledge.
/// Components with the same correlation kind *and* id are the same random quantity in two figures and cancel in ratios.
#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace haywatt {

enum class CorrelationKind : std::uint8_t { Run, Sensor, Machine, Model, Grid, Pue };

struct Correlation {
  CorrelationKind kind = CorrelationKind::Run;
  std::string id;  ///< which run, sensor, machine, …
  friend bool operator==(const Correlation&, const Correlation&) = default;
};

struct Component {
  std::string name;    ///< "repeats", "model", "workload", "attribution", "gain", …
  char type = 'B';     ///< 'A' or 'B'
  double u_rel = 0.0;  ///< standard uncertainty of ln(value); 0 when u_abs is used
  double u_abs = 0.0;  ///< standard uncertainty in the figure's unit; 0 when u_rel is used
  /// Which random quantity it is. An empty id is shared with nothing. In results of the algebra below u_rel and u_abs
  /// may be negative: the result falls when the shared quantity rises.
  Correlation correlation;
};

struct Figure {
  double value = 0.0;
  std::string unit;  ///< SI: "s", "B", "J", "W", "1"
  double low = 0.0, high = 0.0;
  double level = 0.95;
  std::vector<Component> components;
  std::string
      interval;  ///< how low and high were made: "bootstrap of 6 repeats, median", "components, log-normal", "exact"

  /// A value without uncertainty (a size in bytes, a count).
  static Figure exact(double value, std::string unit);
  /// Interval from components after GUM: relative ones multiply, F = exp(1.96 sqrt(sum u_rel^2)), low = value/F,
  /// high = value*F; absolute ones add in quadrature, value -+ 1.96 sqrt(sum u_abs^2); both kinds together: 2.5 and
  /// 97.5 % of 10,000 draws of value*exp(sum u_rel z) + sum u_abs z with a fixed seed (JCGM 101:2008).
  static Figure from_components(double value, std::string unit, std::vector<Component> components);
  /// Median of repeats with a percentile bootstrap interval (10,000 resamples, fixed seed); its type A component is
  /// (high-low)/(2*1.96). With fewer than 3 values low..high is their range widened by a factor 2 at both ends (two
  /// values 3 and 4: 1.5..8) and `interval` says so. Values that are not finite are left out; of none at all it is NaN.
  static Figure from_repeats(const std::vector<double>& values, std::string unit, const std::string& run_id);
};

/// An energy figure says three things apart (sensor, boundary, share) and the rule it was attributed by.
struct EnergyFigure {
  Figure joules;         ///< unit "J"
  std::string sensor;    ///< "rapl-powercap", "estimate", …
  std::string boundary;  ///< "package", "dram", "psys", "board", "node", "wall"
  std::string share;     ///< "machine", "process-tree", "phase"
  std::string rule;      ///< "marginal", "attributed"; empty for share "machine"
  std::string tier;      ///< of an estimate: "calibrated", "VM", "T1" … "T3b"; else empty
  bool known = true;     ///< false: the counter is missing or did not move; the value is then meaningless
  std::string note;      ///< why unknown, or what to keep in mind
};

/// a/b with what both share cancelled: components of the same correlation are subtracted, others added in quadrature
/// (first order in the logs). Interval log-normal. A zero or negative b gives value NaN with low 0, high infinity.
/// Components of one figure that name the same correlation are taken as one quantity of their quadratic sum.
[[nodiscard]] Figure ratio(const Figure& a, const Figure& b);
/// a-b and a+b likewise, jointly: what is purely relative and the same in both stays a factor of the result; otherwise
/// 2.5 and 97.5 % of 10,000 joint draws with a fixed seed. Error(Usage) if the units differ.
[[nodiscard]] Figure difference(const Figure& a, const Figure& b);
[[nodiscard]] Figure sum(const Figure& a, const Figure& b);
/// k*a: relative components stay, absolute ones scale. `unit` is the result's.
[[nodiscard]] Figure scaled(const Figure& a, double k, std::string unit);

void to_json(nlohmann::json& j, const Figure& f);
void from_json(const nlohmann::json& j, Figure& f);
void to_json(nlohmann::json& j, const EnergyFigure& f);
void from_json(const nlohmann::json& j, EnergyFigure& f);

}  // namespace haywatt
