/// What a sensor's joules are uncertain by, component by component (docs/energy.md §4).
#pragma once
#include <vector>

#include "haywatt/meter/energy_sensor.hpp"
#include "haywatt/record/figure.hpp"
#include "meter/energy_source.hpp"
#include "meter/readings.hpp"

namespace haywatt::meter {

/// Standard uncertainty of the logarithm of what a CPU second of one program draws over what one of another draws on
/// the same machine at the same time, at this mean load (0..1): the power curve of servers, what programs do, and busy
/// siblings of a core where there is simultaneous multithreading.
[[nodiscard]] double price_u(const Machine& machine, double load);

class SensorUncertainty {
 public:
  SensorUncertainty(const EnergySensor& sensor, std::size_t channel, const Machine& machine, RunIdentity who);

  void set_idle(const IdlePower& idle) { idle_ = idle; }
  /// Mean load of the machine in the run.
  void set_load(double load);
  /// Of a channel that sees part of the time only: its samples, the whole length and energy of the run.
  void set_unseen(const PowerSpread& spread, double wall_s, double machine_J);

  [[nodiscard]] std::vector<Component> components(const Parts& parts, Rule rule) const;
  /// Of the whole machine, on which nothing is shared out.
  [[nodiscard]] std::vector<Component> of_machine(double wall_s, double resolution_J) const;

 private:
  void add_gain_and_period(std::vector<Component>& list, double resolution_J) const;
  void add_unseen(std::vector<Component>& list, double wall_s) const;
  void add_idle(std::vector<Component>& list, double idle_s) const;
  void add_attribution(std::vector<Component>& list, const Parts& parts, double joules) const;
  SensorChannel channel_;
  std::string sensor_;
  RunIdentity who_;
  Machine machine_;
  IdlePower idle_;
  double price_u_ = 0.0;
  double u_samples_W_ = 0.0;  ///< of the mean power, by the spread of samples
  double u_unseen_W_ = 0.0;   ///< of the mean power, by what is never seen
};

}  // namespace haywatt::meter
