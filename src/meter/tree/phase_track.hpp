/// From the marks of a program to borders of spans as the phase sweep wants them.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "meter/phase_link.hpp"
#include "meter/phases.hpp"

namespace haywatt::meter {

/// Not thread-safe.
class PhaseTrack {
 public:
  PhaseTrack(std::int64_t wall_ns, std::int64_t cpu_ns);

  /// Marks that came up to `now`. A mark counts at its own time, if it told one since the last call. What a thread used
  /// between two of its marks that tell its CPU time is taken to have risen evenly between them, the rest of the tree's
  /// CPU time evenly since the last call. The kernel counts running threads late: threads may be ahead of the tree by
  /// `tick_ns`.
  void take(const std::vector<PhaseMark>& marks, std::int64_t now_ns, std::int64_t cpu_now_ns);
  /// Moves the last call's time forward: the CPU time of the tree was read.
  void at(std::int64_t now_ns, std::int64_t cpu_now_ns);
  [[nodiscard]] std::vector<Border> borders();
  [[nodiscard]] std::size_t waiting() const { return borders_.size(); }
  /// By PhaseId, "other" first.
  [[nodiscard]] std::vector<std::string> names() const;
  /// The phase that was entered last and is not over, "" if there is none.
  [[nodiscard]] const std::string& present() const;

 private:
  struct Thread {
    std::uint64_t number = 0;
    std::int32_t tid = 0;
    std::vector<PhaseId> open;  ///< innermost last
    std::int64_t wall_ns = 0;   ///< of its last mark that told both times
    std::int64_t thread_cpu_ns = -1;
  };
  [[nodiscard]] Thread* thread_of(const PhaseMark& m);
  void begin(Thread& t, const SpanBorder& at, PhaseId phase);
  void end(Thread& t, const SpanBorder& at);
  PhaseId number_of(const std::string& name);
  std::int64_t wall_ns_, cpu_ns_;
  std::map<std::string, PhaseId> numbers_;
  std::vector<const std::string*> names_;  ///< by number
  std::map<std::pair<std::int32_t, std::int32_t>, Thread> threads_;
  std::vector<Border> borders_;
  PhaseId present_ = other_phase;
};

inline constexpr std::int64_t tick_ns = 10'000'000;  ///< the longest that Linux has (CONFIG_HZ 100)

/// CPU time of any thread that we may look at, by its kernel number: /proc/TID/schedstat. Empty if it has ended.
[[nodiscard]] std::optional<std::int64_t> foreign_thread_cpu_ns(std::int32_t tid) noexcept;

}  // namespace haywatt::meter
