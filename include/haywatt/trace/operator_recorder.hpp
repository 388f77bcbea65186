/// Adds up what operators cost while a program runs: calls, own wall and CPU time, work, memory, by phase and layer.
#pragma once
#include <memory>
#include <vector>

#include "haywatt/base/operator.hpp"
#include "haywatt/base/span.hpp"
#include "haywatt/record/profile.hpp"

namespace haywatt::trace {

/// What a recorder saw.
struct OperatorTotals {
  std::vector<OperatorRecord> operators;  ///< by own wall time, longest first; without energy
  std::vector<TimelineEvent> timeline;    ///< at most 20,000, the longest, by start
  std::uint64_t timeline_left_out = 0;
  double recorder_cpu_s = 0.0;  ///< an estimate: announcements times what one costs, measured at the start
  std::uint64_t lost = 0;       ///< operators beyond 10,000 different ones, or that there was no memory for
};

/// One at a time per process. From start() to stop() it listens to operators and spans; spans go on to the listener
/// that was there before. Thread-safe; an announcement takes no lock but a thread's first. A thread that has opened no
/// span itself is in the phase that any thread opened last. The CPU clock is read at both ends of an operator that is
/// in no other; what is nested in it gets CPU time in proportion to its own wall time. Weights (OperatorName::weight)
/// multiply all sums.
class OperatorRecorder final : public OperatorListener, public SpanListener {
 public:
  OperatorRecorder();
  ~OperatorRecorder() override;
  OperatorRecorder(const OperatorRecorder&) = delete;
  OperatorRecorder& operator=(const OperatorRecorder&) = delete;

  void start();
  /// Operators still open are left out. Called once, after whatever computes has come to rest.
  [[nodiscard]] OperatorTotals stop();

  void on_operator_begin(const OperatorName& what) noexcept override;
  void on_operator_end(const OperatorCost& cost) noexcept override;
  void on_operator_parts(const OperatorName& what, const OperatorCost& total, std::uint64_t calls,
                         std::int64_t wall_ns) noexcept override;
  void on_begin(std::string_view phase, const SpanBorder& at) noexcept override;
  void on_end(std::string_view phase, const SpanBorder& at) noexcept override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace haywatt::trace
