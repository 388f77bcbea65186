/// The joules of this process while it runs, cheaply and roughly: for decisions, not for records (those are
/// RunMeter's).
#pragma once
#include <memory>

#include "haywatt/base/energy_counter.hpp"

namespace haywatt::meter {

/// With a readable sensor: the machine's joules (boundary package, else psys, node or wall) by this process's share of
/// the CPU time, idle power included. Else the estimate: what the machine draws beyond idle when all its CPUs are busy,
/// divided by them, times CPU seconds. Opens nothing before the first call of joules(). Not thread-safe.
class OwnEnergy final : public EnergyCounter {
 public:
  OwnEnergy();
  ~OwnEnergy() override;
  [[nodiscard]] double joules() noexcept override;
  [[nodiscard]] std::string source() const override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace haywatt::meter
