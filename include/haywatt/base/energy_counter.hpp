/// What this process has cost so far, for whoever decides by it while it runs (a training that stops when going on is
/// not worth its joules). Rooms below the meter ask; the program installs what answers.
#pragma once
#include <string>

namespace haywatt {

class EnergyCounter {
 public:
  virtual ~EnergyCounter() = default;
  /// Joules of this process since the first call, which gives 0. NaN where nothing can be said.
  [[nodiscard]] virtual double joules() noexcept = 0;
  /// Where they come from: "rapl-powercap (package), by CPU time", "estimate (T3b)". After the first call of joules().
  [[nodiscard]] virtual std::string source() const = 0;
};

/// Installs the counter of this process (nullptr: none) and returns the one before. The caller keeps ownership.
EnergyCounter* set_energy_counter(EnergyCounter* counter) noexcept;
[[nodiscard]] EnergyCounter* energy_counter() noexcept;

}  // namespace haywatt
