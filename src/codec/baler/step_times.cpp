#include "codec/baler/step_times.hpp"

#include <time.h>

namespace haywatt::baler {
namespace {

std::int64_t now_ns() noexcept {
  timespec t{};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

}  // namespace

void StepTimes::start() noexcept {
  ++blocks_;
  last_ns_ = now_ns();
}

void StepTimes::lap(std::size_t step) noexcept {
  const std::int64_t now = now_ns();
  ns_[step] += now - last_ns_;
  last_ns_ = now;
}

OperatorCost dense_cost(std::size_t inputs, std::size_t outputs, bool leaky, std::uint64_t rows, std::size_t value_B) {
  const auto n = static_cast<double>(rows);
  const auto in = static_cast<double>(inputs), out = static_cast<double>(outputs);
  OperatorCost cost;
  cost.macs = n * in * out;
  cost.flops = 2.0 * cost.macs + n * out * (leaky ? 2.0 : 1.0);
  cost.parameters = (in + 1.0) * out;
  cost.read_B = (n * in + cost.parameters) * static_cast<double>(value_B);
  cost.written_B = n * out * static_cast<double>(value_B);
  return cost;
}

void announce_step(std::string_view name, std::string_view layer, std::string_view dtype, const OperatorCost& cost,
                   const StepTimes& times, std::size_t step) {
  if (OperatorListener* listener = operator_listener(); listener != nullptr)
    listener->on_operator_parts({name, layer, dtype}, cost, times.blocks(), times.ns(step));
}

}  // namespace haywatt::baler
