/// The threads of a process's descendants as /proc shows them, and which of them run. Not thread-safe.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "trace/sampling/processes.hpp"

namespace haywatt::trace {

struct ThreadLook {
  pid_t pid = 0, tid = 0;
  std::uint64_t cpu_ns = 0;     ///< used so far; 0 if the kernel does not tell
  std::uint64_t waited_ns = 0;  ///< for a CPU so far
};

/// What /proc/PID/task/TID/stat says (proc(5)).
struct ThreadStat {
  std::string_view name;
  char state = '?';
  std::uint64_t started = 0;     ///< clock ticks since boot: with the number it names a thread for good
  std::uint64_t code_start = 0;  ///< another after each exec, where addresses are random; 0 if not permitted
};
/// Nothing if it is no such line.
[[nodiscard]] std::optional<ThreadStat> read_thread_stat(std::string_view text);

/// Mappings with code of /proc/PID/maps (proc(5)); lines that are none are passed over.
[[nodiscard]] std::vector<Mapping> read_maps(std::string_view text);

class ProcTree {
 public:
  explicit ProcTree(pid_t root) : root_(root) {}

  struct Process {
    std::string name;
    std::uint64_t started = 0, code_start = 0;
  };
  /// Threads that run or wait for a CPU, without those of the root itself.
  [[nodiscard]] std::vector<ThreadLook> running();
  /// As of the last look.
  [[nodiscard]] const Process* process(pid_t pid) const;

 private:
  void visit_thread(pid_t pid, pid_t tid, std::vector<pid_t>& children, std::vector<ThreadLook>& running);

  pid_t root_;
  std::unordered_map<pid_t, Process> processes_;
};

}  // namespace haywatt::trace
