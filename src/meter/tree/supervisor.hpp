/// Watches the program from its start until the last process that descends from it is gone: one thread, one loop.
#pragma once
#include <sys/resource.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "haywatt/meter/program_meter.hpp"
#include "meter/output_phases.hpp"
#include "meter/phase_link.hpp"
#include "meter/phases.hpp"
#include "meter/readings.hpp"
#include "meter/run_energy.hpp"
#include "meter/tree/control_group.hpp"
#include "meter/tree/launch.hpp"
#include "meter/tree/live_line.hpp"
#include "meter/tree/live_tree.hpp"
#include "meter/tree/phase_track.hpp"
#include "meter/tree/sample_series.hpp"
#include "meter/tree/signals.hpp"
#include "meter/tree/sleep.hpp"
#include "meter/tree/streams.hpp"

namespace haywatt::meter {

/// What the kernel told of the processes that were waited for.
struct Waited {
  double user_s = 0.0, system_s = 0.0;
  std::uint64_t largest_rss_B = 0, voluntary_switches = 0, involuntary_switches = 0, major_faults = 0;
  [[nodiscard]] std::int64_t cpu_ns() const { return static_cast<std::int64_t>((user_s + system_s) * 1e9); }
  void add(const rusage& use);
};

/// One program, once. Not thread-safe. Makes this process the reaper of the program's orphans while it lives.
class Supervisor {
 public:
  Supervisor(const Machine& machine, const ProgramOptions& options);
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  void run();
  /// After run(): everything but id, label and correlation ids.
  void fill(ProgramResult& result);

 private:
  void watch_idle_machine();
  void start();
  void loop();
  void tick(std::int64_t now);
  /// True if nothing came.
  bool wait_for_something(std::int64_t until_ns);
  void take_signals();
  void pass_on(const Signals::Arrival& arrival);
  void reap();
  bool wait_for_one(pid_t pid);
  void tell_of_waiting();
  void take_marks();
  void note(const std::vector<PhaseMark>& marks);
  void move_streams();
  void finish_streams();
  void end_late_program(std::int64_t now_ns);
  void draw_live_line(std::int64_t now_ns);
  [[nodiscard]] bool is_of_tree(pid_t pid) const;
  void sweep(const SpanBorder& now);
  void finish();
  /// `just_looked`: clocks of single processes, where they count, were read a moment ago.
  [[nodiscard]] SpanBorder border(bool just_looked = false);
  [[nodiscard]] std::int64_t tree_cpu_ns(bool just_looked = false);
  void fill_tree(RunRecord& run);
  [[nodiscard]] MeteredRun metered(const std::string& run_id) const;

  const Machine& machine_;
  const ProgramOptions& options_;
  std::int64_t entered_ns_;
  Readings readings_;
  std::unique_ptr<ControlGroup> group_;
  std::unique_ptr<LiveTree> tree_;
  std::unique_ptr<PhaseLink> link_;
  std::unique_ptr<OutputPhases> output_phases_;
  std::unique_ptr<ProgramStreams> streams_;
  std::unique_ptr<LiveLine> live_;
  std::unique_ptr<PhaseTrack> track_;
  std::unique_ptr<PhaseSweep> phases_;
  SampleSeries samples_;
  Waited waited_;
  Launched program_;
  SpanBorder start_, end_;
  std::int64_t started_ns_ = 0, own_cpu_start_ns_ = 0, own_cpu_ns_ = 0;
  std::int64_t cpu_ns_ = 0;  ///< the tree's, as last read: it never falls
  std::int64_t next_tick_ns_ = 0, next_slow_ns_ = 0, tell_of_waiting_ns_ = INT64_MAX;
  double steal_start_s_ = 0.0, steal_s_ = 0.0;
  std::uint64_t rss_peak_B_ = 0, pss_peak_B_ = 0, threads_peak_ = 0;
  std::int64_t own_after_look_ns_ = 0, look_cost_ns_ = 0;
  std::int64_t beyond_clocks_ns_ = 0;  ///< what the group used beyond the clocks of its processes, as last asked
  bool by_clocks_ = false;             ///< the last look asked those alone
  bool undisturbed_ = false;           ///< since the last look there was nothing to do but to wake for the next
  std::int64_t pss_cost_ns_ = 0, pss_spent_ns_ = 0;
  ProcFile own_io_{"/proc/self/io"};
  IoCounts io_, ended_io_;  ///< the tree's at most; of processes that were waited for
  bool io_known_ = true;
  std::optional<int> status_;      ///< of the program itself, as wait gives it
  std::array<pid_t, 64> ended_{};  ///< the last ones that were waited for
  std::size_t ended_count_ = 0;
  std::int64_t link_shut_until_ns_ = 0, wakes_since_ns_ = 0, next_kill_ns_ = 0;
  int wakes_ = 0;
  bool all_gone_ = false, left_alone_ = false, timed_out_ = false;
  int interrupted_by_ = 0, subreaper_before_ = 0;
  std::vector<std::string> warnings_;
  Signals signals_;  ///< gone early: no signal is lost while the rest is put away
  Sleep sleep_;
};

}  // namespace haywatt::meter
