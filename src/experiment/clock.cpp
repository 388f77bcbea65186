#include "experiment/clock.hpp"

#include <chrono>

namespace haywatt::experiment {

double monotonic_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace haywatt::experiment
