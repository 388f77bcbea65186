/// From the borders of spans to what each phase used: the phases of a run add up to its totals.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "haywatt/base/span.hpp"

namespace haywatt::meter {

/// Phases are numbered; 0 is "other", the time in no span.
using PhaseId = std::uint32_t;
inline constexpr PhaseId other_phase = 0;

struct Border {
  SpanBorder at;
  PhaseId phase = other_phase;
  std::int32_t tid = 0;  ///< of the announcing thread, as the kernel numbers it
  bool begin = false;
};

/// A moment at which the use so far is cut off into a slice (an energy reading).
struct Cut {
  std::int64_t wall_ns = 0, process_cpu_ns = 0;
};

struct PhaseUse {
  PhaseId phase = other_phase;
  double wall_ns = 0.0, cpu_ns = 0.0;
};

/// What each phase used between two cuts; phases that used nothing are absent.
using Slice = std::vector<PhaseUse>;

/// A stretch in which a phase was the innermost of its thread.
struct Stretch {
  PhaseId phase = other_phase;
  std::uint64_t thread = 0;
  std::int64_t start_ns = 0, end_ns = 0;
};

/// CPU time of a thread of this process by its kernel number, empty if it has ended.
using ThreadClock = std::function<std::optional<std::int64_t>(std::int32_t tid)>;

/// Sweeps over borders in order of time, batch by batch, in memory that does not grow with the length of the run.
///
/// Between two neighbouring borders the wall time and the process's CPU time are known. If the threads are in one phase
/// (the innermost span of each counts), all of both is its; if in none, it is `other`'s; if in several, both are shared
/// in proportion to the threads' CPU use in their stretches (CPU time of the stretch over its wall time), equally if
/// there is none. Not thread-safe.
class PhaseSweep {
 public:
  explicit PhaseSweep(const SpanBorder& start);

  /// Borders and cuts since the last batch, in any order, up to `now`. What is older than the last batch's `now` counts
  /// as if it came just after it, what is later than `now` as if it came just before. `clock` tells what threads with
  /// open spans have used so far.
  void sweep(const std::vector<Border>& borders, const std::vector<Cut>& cuts, const SpanBorder& now,
             const ThreadClock& clock);
  /// Ends the stretches of spans that are still open.
  void finish();

  /// One a cut, in order.
  [[nodiscard]] const std::vector<Slice>& slices() const { return slices_; }
  [[nodiscard]] const std::vector<Stretch>& stretches() const { return stretches_; }
  /// Totals by phase; their sums are stop - start.
  [[nodiscard]] const std::map<PhaseId, PhaseUse>& totals() const { return totals_; }

 private:
  struct Event;
  struct Thread {
    std::vector<PhaseId> stack;  ///< innermost last, never empty
    std::int32_t tid = 0;
    std::int64_t since_ns = 0;  ///< when the present stretch began
    std::int64_t cpu_ns = -1;   ///< thread CPU time at the end of the last batch, -1: not known
    double rate = 1.0;          ///< CPU seconds a second in the present stretch
  };
  [[nodiscard]] std::vector<Event> events_of(const std::vector<Border>& borders, const std::vector<Cut>& cuts,
                                             const SpanBorder& now) const;
  void set_rates(std::vector<Event>& events, const SpanBorder& now, const ThreadClock& clock);
  void apply(const Event& e);
  void advance(std::int64_t wall_ns, std::int64_t cpu_ns);
  void give(PhaseId phase, double wall_ns, double cpu_ns);
  void end_stretch(std::uint64_t number, Thread& t, std::int64_t at_ns);

  std::int64_t wall_ns_, cpu_ns_;  ///< swept up to here
  std::map<std::uint64_t, Thread> threads_;
  std::map<PhaseId, PhaseUse> totals_, slice_;
  std::vector<Slice> slices_;
  std::vector<Stretch> stretches_;
  std::vector<std::pair<PhaseId, double>> active_;  ///< scratch of advance()
};

/// At most `limit` stretches (or one a phase), by joining those of one phase and thread that lie closest, and if that
/// is not enough, those of different threads (thread 0). Sorted by start.
[[nodiscard]] std::vector<Stretch> joined(std::vector<Stretch> stretches, std::size_t limit);

}  // namespace haywatt::meter
