/// A machine whose true power is known, metered by a sensor as imperfect as published ones are (docs/energy.md §4).
/// What the estimator may know is what a real one would: the channel's description, clocks, /proc/stat, the counter.
#pragma once
#include <map>
#include <random>
#include <string>
#include <vector>

#include "meter/energy_source.hpp"
#include "meter/readings.hpp"

namespace haywatt::meter::test {

enum class SensorKind { Rapl, NvmlEnergy, NvmlInstant, Bmc };
[[nodiscard]] std::string name_of(SensorKind kind);

/// What kind of program runs.
enum class Story {
  LongPhases,   ///< a few phases of seconds
  ShortPhases,  ///< two phases of 5 to 300 ms by turns, some of them at irregular distances
  Locked,       ///< a load that goes on and off with exactly the sensor's period
};

[[nodiscard]] std::string name_of(Story story);

struct Joules {
  double marginal = 0.0, attributed = 0.0;
};

struct SimulatedRun {
  RunRecord record;  ///< energy and phases filled by the code that meters
  EnergySource source;
  bool shared = false;     ///< other programs ran beside it
  double machine_J = 0.0;  ///< the truth
  Joules run;
  std::map<std::string, Joules> phases;
};

/// A machine and its sensor, drawn once; its runs share what is true of them (gain, idle power, curve, prices).
class SimulatedMachine {
 public:
  SimulatedMachine(SensorKind kind, std::uint64_t seed);
  /// One run of a method. `watched`: its idle power was measured for 5 s before.
  [[nodiscard]] SimulatedRun run(Story story, const std::string& method, bool watched);

 private:
  struct Segment {
    double from_s, to_s;
    PhaseId phase;
    double own, others;  ///< busy CPUs (of a GPU: busy share)
    double watts, own_W;
    double energy_J = 0.0;  ///< at from_s
  };
  struct Plan;
  [[nodiscard]] double uniform(double low, double high);
  [[nodiscard]] double normal();
  [[nodiscard]] double curve(double load) const;
  [[nodiscard]] bool is_gpu() const { return kind_ == SensorKind::NvmlEnergy || kind_ == SensorKind::NvmlInstant; }
  [[nodiscard]] std::vector<Segment> segments(Story story, const std::string& method);
  void add_power(Segment& s, double own_price, double others_price, double order) const;
  [[nodiscard]] double energy_at(const std::vector<Segment>& segments, double t_s) const;

  SensorKind kind_;
  std::mt19937_64 random_;
  Machine machine_;
  double cpus_ = 1.0, idle_W_ = 0.0, full_W_ = 0.0, limit_W_ = 0.0, gain_ = 1.0, period_s_ = 0.0;
  double others_price_ = 1.0;
  std::vector<double> curve_;
  std::map<std::string, double> prices_;  ///< of methods
  int runs_ = 0;
};

}  // namespace haywatt::meter::test
