/// A control group of the program's own, by which the kernel counts the CPU time of everything that descends from it
/// (Linux Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/cpuacct.rst).
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace haywatt::meter {

/// Not thread-safe. Removed by the destructor; who is in it by then goes back to the group around it.
class ControlGroup {
 public:
  /// Beside this process: v2, where a group without controllers changes nothing for those in it; else the v1 hierarchy
  /// that counts CPU time. nullptr where none can be made.
  [[nodiscard]] static std::unique_ptr<ControlGroup> make();
  ~ControlGroup();
  ControlGroup(const ControlGroup&) = delete;
  ControlGroup& operator=(const ControlGroup&) = delete;

  [[nodiscard]] const char* kind() const { return v2_ ? "cgroup v2" : "cgroup v1"; }
  /// The process that writes "0" here enters the group.
  [[nodiscard]] int entrance() const { return entrance_; }
  /// Its folder, for CLONE_INTO_CGROUP; -1 with v1.
  [[nodiscard]] int folder() const { return folder_fd_; }
  /// Lists the numbers of the processes in it.
  [[nodiscard]] std::string pids_file() const { return folder_ + "/cgroup.procs"; }
  /// With v2 every reading of it from its start is made anew; with v1 the kernel keeps the list for a second.
  [[nodiscard]] bool lists_freshly() const { return v2_; }
  /// CPU time of all that were ever in it. Of what runs at this moment up to a tick of the kernel may be missing.
  [[nodiscard]] std::optional<std::int64_t> cpu_ns() noexcept;
  struct Split {
    double user_s = 0.0, system_s = 0.0;
  };
  [[nodiscard]] std::optional<Split> split() const;

 private:
  ControlGroup(std::string folder, bool v2);
  void move_out() const;
  std::string folder_;
  bool v2_;
  int entrance_ = -1, usage_ = -1, folder_fd_ = -1;
};

/// The folder of the hierarchy in which a process is, from the texts of /proc/PID/mountinfo and /proc/PID/cgroup; empty
/// if it is not mounted here. `controller`: of v1; empty for v2.
[[nodiscard]] std::string group_folder(std::string_view mountinfo, std::string_view cgroup,
                                       std::string_view controller);

}  // namespace haywatt::meter
