/// Times the layers of a network block by block for whoever profiles operators (haywatt/base/operator.hpp). A layer's
/// work on one block takes microseconds or less, too short to be announced: it is summed and announced once for many.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "haywatt/base/operator.hpp"

namespace haywatt::baler {

class StepTimes {
 public:
  explicit StepTimes(std::size_t steps) : ns_(steps, 0) {}
  /// The first step of a block begins now. Not inline, as kernels for one processor include this header.
  void start() noexcept;
  /// Step `step` ends now and the next begins.
  void lap(std::size_t step) noexcept;
  [[nodiscard]] std::int64_t ns(std::size_t step) const { return ns_[step]; }
  [[nodiscard]] std::uint64_t blocks() const { return blocks_; }

 private:
  std::vector<std::int64_t> ns_;
  std::int64_t last_ns_ = 0;
  std::uint64_t blocks_ = 0;
};

/// What a dense layer does with `rows` rows (docs/counting.md): two FLOPs a MAC, one an output for the bias and one
/// for a leaky activation. Weights are read once.
[[nodiscard]] OperatorCost dense_cost(std::size_t inputs, std::size_t outputs, bool leaky, std::uint64_t rows,
                                      std::size_t value_B);

/// Tells the listener, if there is one, of step `step` of all blocks, inside the operator that is open. A block is a
/// call.
void announce_step(std::string_view name, std::string_view layer, std::string_view dtype, const OperatorCost& cost,
                   const StepTimes& times, std::size_t step);

template <class T>
[[nodiscard]] constexpr std::string_view dtype_name() {
  return sizeof(T) == 8 ? "f64" : "f32";
}

}  // namespace haywatt::baler
