#include "meter/tree/launch.hpp"

#include <fcntl.h>
#include <linux/sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <string_view>

#include "haywatt/base/error.hpp"

namespace haywatt::meter {
namespace {

/// What the child tells before it becomes the program; no NotStarted means that all went well.
struct Message {
  enum class What : int { NotInGroup, CopyRss, NotStarted } what = What::NotStarted;
  long value = 0;  ///< an errno; of CopyRss: KiB
};

void tell(int fd, Message::What what, long value) noexcept {
  const Message m{what, value};
  (void)!::write(fd, &m, sizeof m);
}

void tell_copy_rss(int fd) noexcept {
  rusage use{};
  ::getrusage(RUSAGE_SELF, &use);
  tell(fd, Message::What::CopyRss, use.ru_maxrss);
}

std::string_view name_of(std::string_view variable) { return variable.substr(0, variable.find('=')); }

std::vector<char*> environment_with(const std::vector<std::string>& ours) {
  std::vector<char*> list;
  for (char** at = environ; *at != nullptr; ++at) {
    bool replaced = false;
    for (const std::string& o : ours) replaced = replaced || name_of(o) == name_of(*at);
    if (!replaced) list.push_back(*at);
  }
  for (const std::string& o : ours) list.push_back(const_cast<char*>(o.c_str()));
  list.push_back(nullptr);
  return list;
}

/// A child that is born in the control group. Moving a process into one later makes the kernel wait for all CPUs, some
/// 15 ms that would count as the program's. -1 where the kernel cannot or may not.
pid_t fork_into(int folder) {
  if (folder < 0) return -1;
  clone_args args{};
  args.flags = CLONE_INTO_CGROUP;
  args.exit_signal = SIGCHLD;
  args.cgroup = static_cast<std::uint64_t>(folder);
  return static_cast<pid_t>(::syscall(SYS_clone3, &args, sizeof args));
}

/// Between fork and exec: only async-signal-safe calls.
[[noreturn]] void become(const LaunchPlan& plan, char* const* argv, char* const* environment, int tell_fd,
                         bool inside) noexcept {
  if (plan.process_group >= 0) ::setpgid(0, plan.process_group);
  if (!inside && plan.control_group >= 0 && ::write(plan.control_group, "0", 1) != 1)
    tell(tell_fd, Message::What::NotInGroup, errno);
  tell_copy_rss(tell_fd);
  if (plan.dies_with_us) ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  bool ready = plan.folder.empty() || ::chdir(plan.folder.c_str()) == 0;
  for (int i = 0; i < 3; ++i) {
    const int from = plan.streams.at(static_cast<std::size_t>(i));
    if (from >= 0 && ::dup2(from, i) < 0) ready = false;
  }
  plan.signals.restore_for_program();
  if (ready) ::execvpe(argv[0], argv, environment);
  tell(tell_fd, Message::What::NotStarted, errno);
  ::_exit(127);
}

}  // namespace

Launched launch(const LaunchPlan& plan) {
  std::vector<char*> argv;
  for (const std::string& a : plan.command) argv.push_back(const_cast<char*>(a.c_str()));
  argv.push_back(nullptr);
  const std::vector<char*> environment = environment_with(plan.environment);
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) fail_errno("cannot start the program: pipe", errno);
  Launched launched;
  launched.pid = fork_into(plan.control_group_folder);
  const bool inside = launched.pid >= 0;
  if (!inside) launched.pid = ::fork();
  if (launched.pid == 0) become(plan, argv.data(), environment.data(), ends[1], inside);
  const int fork_error = errno;
  ::close(ends[1]);
  if (launched.pid < 0) {
    ::close(ends[0]);
    fail_errno("cannot start the program: fork", fork_error);
  }
  launched.in_control_group = plan.control_group >= 0;
  Message m;
  while (true) {
    const ssize_t n = ::read(ends[0], &m, sizeof m);
    if (n < 0 && errno == EINTR) continue;
    if (n != static_cast<ssize_t>(sizeof m)) break;
    if (m.what == Message::What::NotInGroup)
      launched.in_control_group = false;
    else if (m.what == Message::What::CopyRss)
      launched.copy_rss_B = static_cast<std::uint64_t>(m.value) * 1024;
    else
      launched.error = static_cast<int>(m.value);
  }
  ::close(ends[0]);
  return launched;
}

}  // namespace haywatt::meter
