/// Operators: what rooms announce below their phases (one layer of a network on one block, one call of a library), so
/// that a profiler can tell what each costs. As with spans, whoever computes knows no profiler.
#pragma once
#include <cstdint>
#include <string_view>

namespace haywatt {

/// What one call of an operator does, counted from its shapes, not measured. Additions of a bias, activations and the
/// like are FLOPs beyond 2 x macs (docs/counting.md). Negative: not known.
struct OperatorCost {
  double macs = -1.0;        ///< multiply-accumulates of products and convolutions
  double flops = -1.0;       ///< floating-point operations, an FMA counted as 2
  double read_B = -1.0;      ///< distinct bytes of its inputs and parameters
  double written_B = -1.0;   ///< distinct bytes of its outputs
  double parameters = -1.0;  ///< learned numbers that it uses
  double allocated_B = 0.0;  ///< memory asked of an allocator meanwhile, known at the end only
};

/// Bytes moved and nothing computed that is worth counting. `written_B` negative: not known before.
[[nodiscard]] inline OperatorCost moved_bytes(std::size_t read_B, double written_B) noexcept {
  return {0.0, 0.0, static_cast<double>(read_B), written_B, 0.0, 0.0};
}

/// What is computed. All views are valid only during the call.
struct OperatorName {
  std::string_view name;   ///< "dense f32", "aten::addmm"
  std::string_view layer;  ///< "encoder.0"; empty if it belongs to none
  std::string_view dtype;  ///< "f64", "f32", "bf16", "int8"; empty if unknown
  double weight = 1.0;     ///< calls that this one stands for, if only some are announced: all sums count it so often.
                           ///< One nested in another has at least the other's
};

/// Told of every operator's begin and end, on the thread that computes. Implementations are thread-safe and must not
/// throw. Operators of one thread nest properly.
class OperatorListener {
 public:
  virtual ~OperatorListener() = default;
  virtual void on_operator_begin(const OperatorName& what) noexcept = 0;
  virtual void on_operator_end(const OperatorCost& cost) noexcept = 0;
  /// `calls` of an operator inside the one that is open on this thread, whose wall time the caller summed: for what is
  /// too short to announce each time. They get the open one's CPU time in proportion to their wall time.
  virtual void on_operator_parts(const OperatorName& what, const OperatorCost& total, std::uint64_t calls,
                                 std::int64_t wall_ns) noexcept = 0;
};

/// Installs the listener of this process (nullptr: none) and returns the one before. The caller keeps ownership and
/// must not destroy a listener while an operator that began under it is still open.
OperatorListener* set_operator_listener(OperatorListener* listener) noexcept;
[[nodiscard]] OperatorListener* operator_listener() noexcept;

/// Announces an operator for its lifetime. Costs one atomic load without a listener.
class ScopedOperator {
 public:
  ScopedOperator(const OperatorName& what, const OperatorCost& cost) noexcept
      : listener_(operator_listener()), cost_(cost) {
    if (listener_ != nullptr) listener_->on_operator_begin(what);
  }
  ~ScopedOperator() {
    if (listener_ != nullptr) listener_->on_operator_end(cost_);
  }
  ScopedOperator(const ScopedOperator&) = delete;
  ScopedOperator& operator=(const ScopedOperator&) = delete;

 private:
  OperatorListener* listener_;
  OperatorCost cost_;
};

}  // namespace haywatt
