#include <fmt/format.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "meter/run_energy.hpp"
#include "meter/tree/supervisor.hpp"

namespace haywatt::meter {
namespace {

double seconds(std::int64_t ns) { return static_cast<double>(ns) * 1e-9; }

std::string joined_words(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& w : words) text += (text.empty() ? "" : " ") + w;
  return text;
}

}  // namespace

void Supervisor::fill(ProgramResult& result) {
  RunRecord& run = result.run;
  run.wall_s = seconds(end_.wall_ns - start_.wall_ns);
  run.cpu_s = seconds(end_.process_cpu_ns);
  // Looks see the sum over all processes, but only now and then; the kernel knows each process's own peak exactly. That
  // of the program begins with the copy of us that it was before: a mark that is not above it is only an upper limit,
  // taken where no look saw anything.
  run.rss_peak_B = rss_peak_B_;
  if (rss_peak_B_ == 0 || waited_.largest_rss_B > program_.copy_rss_B)
    run.rss_peak_B = std::max(rss_peak_B_, waited_.largest_rss_B);
  run.read_B = io_.read_B;
  run.written_B = io_.written_B;
  run.sampler_cpu_s = seconds(own_cpu_ns_);
  run.samples = samples_.take();
  run.warnings.insert(run.warnings.end(), warnings_.begin(), warnings_.end());
  if (link_ && link_->lost() > 0)
    run.warnings.push_back(
        fmt::format("{} lines of the program were no phase marks and were dropped (docs/phases.md)", link_->lost()));
  fill_tree(run);
  result.last_words = streams_->last_words();

  TreeRecord& tree = *run.tree;
  if (program_.error != 0) {
    result.started = false;
    tree.exit_code = program_.error == ENOENT ? 127 : 126;
    run.status = "failed";
    run.reason = fmt::format("{}: {}", options_.command.front(),
                             program_.error == ENOENT ? "no such command" : std::strerror(program_.error));
  } else if (status_ && WIFSIGNALED(*status_)) {
    tree.signal = WTERMSIG(*status_);
    tree.exit_code = 128 + tree.signal;
  } else if (status_) {
    tree.exit_code = WEXITSTATUS(*status_);
  }
  result.exit_code = tree.exit_code;
  result.timed_out = timed_out_;
  if (run.status == "ok" && tree.exit_code != 0) {
    run.status = "failed";
    run.reason = tree.signal != 0 ? fmt::format("ended by signal {} ({})", tree.signal, ::strsignal(tree.signal))
                                  : fmt::format("exit code {}", tree.exit_code);
  }
  fill_phases_and_energy(metered(run.id), run);
  // Signals since the program's end were meant for us: a caller that meters one run after another must hear of them.
  // Removing the group takes the kernel milliseconds.
  group_.reset();
  take_signals();
  result.interrupted_by = interrupted_by_;
}

void Supervisor::fill_tree(RunRecord& run) {
  TreeRecord& tree = run.tree.emplace();
  tree.command = options_.command;
  tree.counted_by = group_ ? group_->kind() : "process clocks and waits";
  tree.user_s = waited_.user_s;
  tree.system_s = waited_.system_s;
  if (const auto split = group_ ? group_->split() : std::nullopt) {
    tree.user_s = split->user_s;
    tree.system_s = split->system_s;
  }
  tree.steal_s = steal_s_;
  tree.start_up_s = seconds(started_ns_ - entered_ns_);
  tree.pss_peak_B = pss_peak_B_;
  tree.processes_seen = tree_->seen();
  tree.threads_peak = threads_peak_;
  tree.voluntary_switches = waited_.voluntary_switches;
  tree.involuntary_switches = waited_.involuntary_switches;
  tree.major_faults = waited_.major_faults;
  tree.processes = tree_->processes(end_.wall_ns);
  if (left_alone_)
    run.warnings.push_back(
        fmt::format("{} was left running {} processes when the measurement was ended: what they do from then on is not "
                    "in these figures",
                    joined_words(options_.command), tree_->sums().processes));
  if (!group_ && !tree_->careless_parent().empty())
    run.warnings.push_back(
        fmt::format("CPU time and bytes are too low: {} ignores SIGCHLD, so the kernel told nobody what its children "
                    "used; where a control group can be made their CPU time is seen (docs/meter.md)",
                    tree_->careless_parent()));
  if (!io_known_) run.warnings.emplace_back("bytes read and written are unknown: /proc/self/io cannot be read");
}

}  // namespace haywatt::meter
