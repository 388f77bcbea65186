#include "haywatt/base/operator.hpp"

#include <atomic>

namespace haywatt {
namespace {

std::atomic<OperatorListener*>& installed() noexcept {
  static std::atomic<OperatorListener*> listener{nullptr};
  return listener;
}

}  // namespace

OperatorListener* set_operator_listener(OperatorListener* listener) noexcept { return installed().exchange(listener); }

OperatorListener* operator_listener() noexcept { return installed().load(std::memory_order_acquire); }

}  // namespace haywatt
