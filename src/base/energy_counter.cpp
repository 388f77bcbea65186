#include "haywatt/base/energy_counter.hpp"

#include <atomic>

namespace haywatt {
namespace {

std::atomic<EnergyCounter*> current{nullptr};

}  // namespace

EnergyCounter* set_energy_counter(EnergyCounter* counter) noexcept { return current.exchange(counter); }
EnergyCounter* energy_counter() noexcept { return current.load(); }

}  // namespace haywatt
