/// The processes that descend from the program: found, followed from look to look, and remembered when they are gone.
#pragma once
#include <sys/types.h>

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "haywatt/record/record.hpp"
#include "meter/process_files.hpp"

namespace haywatt::meter {

/// Sums over the processes that were alive at a look.
struct TreeSums {
  std::uint64_t rss_B = 0, read_B = 0, written_B = 0, processes = 0, threads = 0;
  /// CPU time of the processes and of those children that they waited for.
  std::int64_t cpu_ns = 0;
};

/// Not thread-safe. Descendants of this process are the tree. What it keeps is bounded: 16,384 processes alive, files
/// of the first 64 of them open, and of the dead the 200 that used the most CPU time.
class LiveTree {
 public:
  /// `start_ns`: of the run, CLOCK_MONOTONIC. `pids_file`: of a control group, lists pids; may be empty. `fresh_list`:
  /// each reading of it is made anew (v2).
  LiveTree(std::int64_t start_ns, const std::string& pids_file, bool fresh_list = false);
  ~LiveTree();
  LiveTree(const LiveTree&) = delete;
  LiveTree& operator=(const LiveTree&) = delete;

  /// Finds new processes and reads every one. `thoroughly`: the control group's list is read and children of all
  /// processes and of threads other than the first are looked for, and, on kernels without
  /// /proc/PID/task/TID/children, all processes of the machine are gone through. Else the group's list alone is read if
  /// it is fresh and the last thorough look found nothing outside it; with `group_cpu_ns`, the CPU time of the group
  /// read a moment ago, only if that rose by more than the clocks of the processes known. Where the group counts CPU
  /// time, of processes older than a second only memory and, of the first 64, the clock are read: threads and bytes are
  /// as of the last thorough look.
  const TreeSums& look(std::int64_t now_ns, bool thoroughly, std::optional<std::int64_t> group_cpu_ns = {});
  [[nodiscard]] const TreeSums& sums() const { return sums_; }
  /// Whether all processes are known and looks read the clock of each: then a look that is not thorough finds no new
  /// ones without `group_cpu_ns`.
  [[nodiscard]] bool clocks_tell() const;
  /// CPU time of all processes ever seen, by their own clocks, as of the last look.
  [[nodiscard]] std::int64_t clocks_ns() const;
  /// CPU time as in `sums`, read now, of at most 64 processes; the others' as of the last look.
  [[nodiscard]] std::int64_t cpu_now_ns() noexcept;
  /// A child of ours has ended and is about to be waited for.
  void ended(pid_t pid, std::int64_t now_ns);

  /// Whether a process that is alive descends from this one.
  [[nodiscard]] bool descends(pid_t pid) const;
  [[nodiscard]] std::vector<pid_t> pids() const;
  /// Sum of proportional set sizes, 0 if unreadable. Dear.
  [[nodiscard]] std::uint64_t pss_B() const;
  [[nodiscard]] std::uint64_t seen() const { return seen_; }
  /// CPU time that processes were seen to use which are gone by now, their own.
  [[nodiscard]] std::int64_t gone_cpu_ns() const { return gone_cpu_ns_; }
  /// A process that ignores SIGCHLD: the kernel reaps its children and tells nobody what they used. Empty if none was
  /// seen.
  [[nodiscard]] const std::string& careless_parent() const { return careless_parent_; }
  /// At most 200, in order of start. Those alive end now.
  [[nodiscard]] std::vector<ProcessRecord> processes(std::int64_t now_ns) const;

 private:
  struct Process;
  void find(bool thoroughly);
  /// Adds what the group lists; how many that is.
  std::size_t find_in_group();
  void find_children_of(pid_t pid, pid_t thread, int fd);
  void find_by_parents(bool thoroughly);
  void scan_machine();
  void add(pid_t pid);
  /// False if it is gone.
  bool read(Process& p, std::int64_t now_ns, bool precisely);
  /// Memory and clock alone. False if it is gone.
  bool read_briefly(Process& p);
  void see_whether_careless(const Process& p);
  /// In the order in which they were found, so that parents are read before their children: a child that is waited for
  /// between the two is missed for a moment, and never counted twice.
  using Alive = std::map<std::uint64_t, Process>;
  /// Reads those from `at` on and adds them to the sums.
  void read_from(Alive::iterator at, std::int64_t now_ns, bool thoroughly);
  [[nodiscard]] Process* process(pid_t pid);
  void forget(Alive::iterator at, std::int64_t now_ns);
  void remember(const ProcessRecord& record);
  [[nodiscard]] ProcessRecord record_of(const Process& p, std::int64_t now_ns) const;

  std::int64_t start_ns_;
  int pids_file_ = -1;
  bool fresh_list_;
  bool all_in_group_ = false;  ///< as of the last thorough look
  pid_t self_;
  int own_children_ = -1;
  bool has_children_files_ = false;
  std::int64_t tick_ns_;
  std::uint64_t page_B_;
  Alive alive_;
  std::unordered_map<pid_t, std::uint64_t> numbers_;  ///< of alive_
  std::vector<pid_t> found_;                          ///< scratch of find()
  std::vector<ProcessRecord> gone_;
  TreeSums sums_;
  std::array<char, 4096> buffer_{};  ///< of find() and read()
  std::uint64_t seen_ = 0, open_files_ = 0;
  std::int64_t gone_cpu_ns_ = 0, unexplained_ns_ = 0;
  std::string careless_parent_;
};

}  // namespace haywatt::meter
