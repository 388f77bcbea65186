#include "meter/tree/supervisor.hpp"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>

#include "haywatt/base/error.hpp"
#include "haywatt/base/log.hpp"

namespace haywatt::meter {
namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
constexpr std::size_t sweep_at_borders = 20'000;

std::int64_t clock_ns(clockid_t clock) {
  timespec t{};
  ::clock_gettime(clock, &t);
  return std::int64_t{t.tv_sec} * second_ns + t.tv_nsec;
}

double seconds(const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6; }

double steal_now_s() { return stolen_s(slurp("/proc/stat"), ::sysconf(_SC_CLK_TCK)).value_or(0.0); }

}  // namespace

void Waited::add(const rusage& use) {
  user_s += seconds(use.ru_utime);
  system_s += seconds(use.ru_stime);
  largest_rss_B = std::max(largest_rss_B, static_cast<std::uint64_t>(use.ru_maxrss) * 1024);
  voluntary_switches += static_cast<std::uint64_t>(use.ru_nvcsw);
  involuntary_switches += static_cast<std::uint64_t>(use.ru_nivcsw);
  major_faults += static_cast<std::uint64_t>(use.ru_majflt);
}

Supervisor::Supervisor(const Machine& machine, const ProgramOptions& options)
    : machine_(machine),
      options_(options),
      entered_ns_(clock_ns(CLOCK_MONOTONIC)),
      readings_(machine),
      signals_(options.origin),
      sleep_(signals_.fd()) {
  ::prctl(PR_GET_CHILD_SUBREAPER, &subreaper_before_);
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) fail_errno("cannot become the reaper of the program's orphans", errno);
}

Supervisor::~Supervisor() { ::prctl(PR_SET_CHILD_SUBREAPER, subreaper_before_); }

void Supervisor::run() {
  watch_idle_machine();
  start();
  loop();
  finish();
}

void Supervisor::watch_idle_machine() {
  if (options_.idle_s <= 0.0) return;
  const std::int64_t begin_ns = clock_ns(CLOCK_MONOTONIC);
  const std::int64_t until_ns = begin_ns + static_cast<std::int64_t>(std::min(options_.idle_s, 1e9) * 1e9);
  for (std::int64_t now = 0; (now = clock_ns(CLOCK_MONOTONIC)) < until_ns && interrupted_by_ == 0;) {
    readings_.watch_idle(now);
    // The last stretch is between one and two seconds, or all of it: parts of a second say little.
    const std::int64_t left_ns = until_ns - now;
    wait_for_something(now + (left_ns < 2 * second_ns ? left_ns : second_ns));
    take_signals();
  }
  const std::int64_t end_ns = clock_ns(CLOCK_MONOTONIC);
  readings_.watch_idle(end_ns);
  entered_ns_ += end_ns - begin_ns;
}

void Supervisor::start() {
  group_ = ControlGroup::make();
  link_ = std::make_unique<PhaseLink>();
  sleep_.watch_marks(link_->fd());
  if (!options_.phases_from.empty()) output_phases_ = std::make_unique<OutputPhases>(options_.phases_from);
  if (options_.live) live_ = std::make_unique<LiveLine>();
  const bool live = live_ && live_->visible();
  // A line that is redrawn and a program that writes to the same terminal get along only if one hand writes both.
  streams_ = std::make_unique<ProgramStreams>(options_, output_phases_ != nullptr || live);
  LaunchPlan plan{.command = options_.command,
                  .environment = {"HAYWATT_PHASES=" + link_->environment()},
                  .streams = streams_->for_program(),
                  .control_group = group_ ? group_->entrance() : -1,
                  .control_group_folder = group_ ? group_->folder() : -1,
                  .folder = options_.folder,
                  .dies_with_us = options_.dies_with_us,
                  .signals = signals_};
  plan.environment.insert(plan.environment.end(), options_.environment.begin(), options_.environment.end());
  if (options_.origin != nullptr)
    plan.process_group = options_.origin->process_group;
  else if (options_.streams == ProgramOptions::Streams::Discard)
    plan.process_group = 0;
  steal_start_s_ = steal_now_s();
  start_.wall_ns = clock_ns(CLOCK_MONOTONIC);
  readings_.read_slowly(start_, {});
  (void)readings_.new_cuts();  // the first reading begins the first slice and ends none
  phases_ = std::make_unique<PhaseSweep>(start_);
  track_ = std::make_unique<PhaseTrack>(start_.wall_ns, 0);
  tree_ =
      std::make_unique<LiveTree>(start_.wall_ns, group_ ? group_->pids_file() : "", group_ && group_->lists_freshly());
  program_ = launch(plan);
  started_ns_ = clock_ns(CLOCK_MONOTONIC);
  own_cpu_start_ns_ = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
  streams_->started();
  if (!program_.in_control_group && group_) {
    group_.reset();
    tree_ = std::make_unique<LiveTree>(start_.wall_ns, "");
  }
  next_tick_ns_ = started_ns_;
  next_slow_ns_ = start_.wall_ns + second_ns;
}

void Supervisor::loop() {
  while (!all_gone_ && !left_alone_) {
    const std::int64_t now = clock_ns(CLOCK_MONOTONIC);
    if (now >= next_tick_ns_) tick(now);
    if (options_.timeout_s > 0.0) end_late_program(now);
    if (!wait_for_something(next_tick_ns_)) {
      undisturbed_ = false;
      move_streams();
      take_marks();
      take_signals();
    }
    tell_of_waiting();
    if (live_) {
      undisturbed_ = false;
      draw_live_line(now);
    }
  }
}

bool Supervisor::wait_for_something(std::int64_t until_ns) {
  const std::int64_t now = clock_ns(CLOCK_MONOTONIC);
  std::array<pollfd, ProgramStreams::most_polled> streams{};
  streams.fill({-1, 0, 0});
  if (streams_) streams_->poll_on(streams);
  const bool link_open = link_ && now >= link_shut_until_ns_;
  if (link_ && !link_open) until_ns = std::min(until_ns, link_shut_until_ns_);
  return sleep_.wait(until_ns - now, link_open, streams);
}

SpanBorder Supervisor::border(bool just_looked) {
  SpanBorder b;
  b.process_cpu_ns = tree_cpu_ns(just_looked);
  b.wall_ns = clock_ns(CLOCK_MONOTONIC);
  return b;
}

std::int64_t Supervisor::tree_cpu_ns(bool just_looked) {
  auto counted = group_ ? group_->cpu_ns() : std::nullopt;
  if (!counted) {
    counted = waited_.cpu_ns();
    if (!all_gone_) *counted += just_looked ? tree_->sums().cpu_ns : tree_->cpu_now_ns();
  }
  cpu_ns_ = std::max(cpu_ns_, *counted);
  return cpu_ns_;
}

/// One look at the tree. What looks and the waking for them cost, in the mean of the last ones, decides when the next
/// one is: within 0.1 % of a CPU as long as that means one look a second or more, and within 1 % for trees so large
/// that even that is too dear.
void Supervisor::tick(std::int64_t now) {
  const std::int64_t own_before = undisturbed_ ? own_after_look_ns_ : clock_ns(CLOCK_THREAD_CPUTIME_ID);
  const bool slow = now >= next_slow_ns_;
  // Between two questions to the group the clocks of its processes tell what it used.
  by_clocks_ = group_ && !slow && !by_clocks_ && tree_->clocks_tell();
  const bool ask_group = group_ && !by_clocks_;
  SpanBorder at = ask_group ? border() : SpanBorder{};
  const TreeSums& sums = tree_->look(now, slow, ask_group ? std::optional(at.process_cpu_ns) : std::nullopt);
  if (ask_group) {
    beyond_clocks_ns_ = at.process_cpu_ns - tree_->clocks_ns();
  } else if (by_clocks_) {
    at.wall_ns = clock_ns(CLOCK_MONOTONIC);
    at.process_cpu_ns = cpu_ns_ = std::max(cpu_ns_, beyond_clocks_ns_ + tree_->clocks_ns());
  } else {
    at = border(true);
  }
  rss_peak_B_ = std::max(rss_peak_B_, sums.rss_B);
  threads_peak_ = std::max(threads_peak_, sums.threads);
  io_.read_B = std::max(io_.read_B, ended_io_.read_B + sums.read_B);
  io_.written_B = std::max(io_.written_B, ended_io_.written_B + sums.written_B);
  track_->at(at.wall_ns, at.process_cpu_ns);
  samples_.add({static_cast<double>(at.wall_ns - start_.wall_ns) * 1e-9, sums.rss_B,
                static_cast<double>(at.process_cpu_ns) * 1e-9, io_.read_B, io_.written_B, sums.processes,
                sums.threads});
  readings_.tick();
  if (slow) {
    readings_.read_slowly(at, tree_->pids());
    sweep(at);
    next_slow_ns_ = now + second_ns;
  }
  own_after_look_ns_ = clock_ns(CLOCK_THREAD_CPUTIME_ID);
  // Proportional memory is dear (the kernel walks the page tables): a fortieth of the sampler's own share of a CPU.
  if (pss_spent_ns_ + pss_cost_ns_ <= (now - start_.wall_ns) / 40'000) {
    const std::int64_t looked = own_after_look_ns_;
    pss_peak_B_ = std::max(pss_peak_B_, tree_->pss_B());
    own_after_look_ns_ = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    pss_cost_ns_ = own_after_look_ns_ - looked;
    pss_spent_ns_ += pss_cost_ns_;
  }
  const std::int64_t cost = own_after_look_ns_ - own_before;
  look_cost_ns_ += (cost - look_cost_ns_) / 16;
  const std::int64_t interval = std::int64_t{options_.interval_ms} * 1'000'000;
  const std::int64_t pause = std::max({interval, std::min(look_cost_ns_ * 1'000, second_ns), cost * 100});
  // A suspended or starved machine does not make up for the looks it missed.
  next_tick_ns_ = std::max(next_tick_ns_ + pause, at.wall_ns);
  undisturbed_ = true;
}

MeteredRun Supervisor::metered(const std::string& run_id) const {
  // What a program's instructions cost is the same in all runs of one command.
  std::string command = options_.workload;
  if (command.empty())
    for (const std::string& word : options_.command) command += (command.empty() ? "" : " ") + word;
  return {machine_,         readings_, *phases_, track_->names(), start_.wall_ns, {machine_.id, run_id, command},
          options_.estimate};
}

void Supervisor::sweep(const SpanBorder& now) {
  phases_->sweep(track_->borders(), readings_.new_cuts(), now, foreign_thread_cpu_ns);
}

/// A program that announces phases without pause wakes us at most 1,000 times a second: then marks wait for 5 ms in the
/// FIFO, whose own times count.
void Supervisor::take_marks() {
  if (!link_ || clock_ns(CLOCK_MONOTONIC) < link_shut_until_ns_) return;
  const auto marks = link_->take();
  if (marks.empty()) return;
  note(marks);
  const std::int64_t now = clock_ns(CLOCK_MONOTONIC);
  if (now - wakes_since_ns_ > 100'000'000) {
    wakes_since_ns_ = now;
    wakes_ = 0;
  }
  if (++wakes_ > 100) link_shut_until_ns_ = now + 5'000'000;
}

void Supervisor::note(const std::vector<PhaseMark>& marks) {
  if (marks.empty()) return;
  const SpanBorder now = border();
  track_->take(marks, now.wall_ns, now.process_cpu_ns);
  readings_.read_at_border(now);
  if (track_->waiting() >= sweep_at_borders) sweep(now);
}

void Supervisor::move_streams() {
  streams_->move([this](std::string_view bytes, int stream) {
    if (live_) live_->written(bytes);
    if (output_phases_) note(output_phases_->feed(bytes, stream));
  });
}

void Supervisor::take_signals() {
  bool child = false;
  while (const auto arrival = signals_.take()) {
    if (arrival->signal == SIGCHLD)
      child = true;
    else
      pass_on(*arrival);
  }
  if (child) reap();
}

void Supervisor::pass_on(const Signals::Arrival& arrival) {
  if (arrival.signal == SIGWINCH) {
    if (streams_) streams_->resize();
    return;
  }
  // A program that signals its own process group means itself.
  if (arrival.sender != 0 && is_of_tree(arrival.sender)) return;
  const bool ending = is_ending(arrival.signal);
  if (ending && interrupted_by_ == 0) interrupted_by_ = arrival.signal;
  if (program_.pid <= 0) return;
  if (status_) {
    left_alone_ = left_alone_ || ending;
    return;
  }
  // A key on the terminal reached the program as it reached us, unless it has a process group of its own.
  const bool own_group = options_.origin == nullptr && options_.streams == ProgramOptions::Streams::Discard;
  if (arrival.sender != 0 || own_group) ::kill(program_.pid, arrival.signal);
}

bool Supervisor::is_of_tree(pid_t pid) const {
  if (std::find(ended_.begin(), ended_.end(), pid) != ended_.end()) return true;
  return tree_ && tree_->descends(pid);
}

/// What has ended is looked at before it is waited for: the kernel still knows its CPU time then.
void Supervisor::reap() {
  while (true) {
    siginfo_t info{};
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0) {
      all_gone_ = errno == ECHILD;
      return;
    }
    if (info.si_pid == 0) return;
    tree_->ended(info.si_pid, clock_ns(CLOCK_MONOTONIC));
    if (!wait_for_one(info.si_pid)) return;
  }
}

/// Who waits for a process inherits its byte counts, and those of all that it waited for (Linux kernel/exit.c): what
/// ours rise by is what they moved. Our own reading of them counts too and is taken off.
bool Supervisor::wait_for_one(pid_t pid) {
  const std::string_view text = own_io_.text();
  const auto before = io_counts(text);
  const std::uint64_t by_reading = text.size();
  rusage use{};
  int status = 0;
  if (::wait4(pid, &status, WNOHANG, &use) != pid) return false;
  const auto after = io_counts(own_io_.text());
  if (before && after) {
    ended_io_.read_B += after->read_B - before->read_B - by_reading;
    ended_io_.written_B += after->written_B - before->written_B;
  } else {
    io_known_ = false;
  }
  waited_.add(use);
  ended_.at(ended_count_++ % ended_.size()) = pid;
  if (pid == program_.pid) {
    status_ = status;
    tell_of_waiting_ns_ = clock_ns(CLOCK_MONOTONIC) + 2 * second_ns;
  }
  return true;
}

/// Whoever sits before it wonders otherwise why a program that is over does not come back.
void Supervisor::tell_of_waiting() {
  if (!status_ || options_.streams == ProgramOptions::Streams::Discard || tree_->sums().processes == 0 ||
      clock_ns(CLOCK_MONOTONIC) < tell_of_waiting_ns_)
    return;
  tell_of_waiting_ns_ = INT64_MAX;
  if (live_) live_->written("\n");
  log::info(
      fmt::format("{} has ended; {} processes that it left behind are waited for (a signal to end, such as Ctrl-C, "
                  "ends the measurement)",
                  options_.command.front(), tree_->sums().processes));
}

void Supervisor::finish() {
  link_shut_until_ns_ = 0;
  move_streams();
  take_marks();
  end_.wall_ns = clock_ns(CLOCK_MONOTONIC);
  // What has left its control group was still waited for.
  if (group_ && static_cast<double>(waited_.cpu_ns()) > 1.001 * static_cast<double>(tree_cpu_ns()) + 1e7)
    group_.reset();
  if (!group_ && static_cast<double>(tree_->gone_cpu_ns()) > 1.001 * static_cast<double>(waited_.cpu_ns()) + 1e7)
    cpu_ns_ = std::max(cpu_ns_, tree_->gone_cpu_ns());  // children that nobody waited for, as far as we saw them
  end_.process_cpu_ns = tree_cpu_ns();
  track_->at(end_.wall_ns, end_.process_cpu_ns);
  own_cpu_ns_ = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - own_cpu_start_ns_;
  io_.read_B = std::max(io_.read_B, ended_io_.read_B);
  io_.written_B = std::max(io_.written_B, ended_io_.written_B);
  steal_s_ = std::max(0.0, steal_now_s() - steal_start_s_);
  readings_.read_slowly(end_, tree_->pids());
  sweep(end_);
  phases_->finish();
  live_.reset();
  finish_streams();
}

/// What the program wrote at last is passed on however slow its reader is, but for a signal.
void Supervisor::finish_streams() {
  while (streams_->pending() && !left_alone_) {
    wait_for_something(clock_ns(CLOCK_MONOTONIC) + second_ns);
    move_streams();
    while (const auto arrival = signals_.take()) left_alone_ = left_alone_ || is_ending(arrival->signal);
  }
}

/// Every look once its time is over, until nothing is left: what is killed may have started something meanwhile.
void Supervisor::end_late_program(std::int64_t now_ns) {
  if (static_cast<double>(now_ns - started_ns_) * 1e-9 < options_.timeout_s) return;
  if (timed_out_ && now_ns < next_kill_ns_) return;
  timed_out_ = true;
  next_kill_ns_ = now_ns + 20'000'000;
  tree_->look(now_ns, true);
  for (const pid_t pid : tree_->pids()) ::kill(pid, SIGKILL);
}

void Supervisor::draw_live_line(std::int64_t now_ns) {
  if (!live_->is_due(now_ns) || streams_->pending()) return;
  const TreeSums& sums = tree_->sums();
  live_->draw({static_cast<double>(now_ns - start_.wall_ns) * 1e-9, static_cast<double>(cpu_ns_) * 1e-9, sums.rss_B,
               track_->present()},
              metered(options_.run_id));
}

}  // namespace haywatt::meter
