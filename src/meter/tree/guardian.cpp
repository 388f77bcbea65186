#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "haywatt/base/error.hpp"
#include "haywatt/meter/program_meter.hpp"
#include "meter/tree/signals.hpp"

namespace haywatt::meter {
namespace {

/// Passes every signal on to the meter, saying who sent it (0: the kernel), until the meter has ended.
int guard(pid_t meter, const sigset_t& watched) {
  while (true) {
    siginfo_t info{};
    const int signal = ::sigwaitinfo(&watched, &info);
    if (signal < 0) continue;
    if (signal != SIGCHLD) {
      sigval told{};
      told.sival_int = info.si_code > 0 ? 0 : info.si_pid;
      ::sigqueue(meter, signal, told);
      continue;
    }
    int status = 0;
    if (::waitpid(meter, &status, WNOHANG) != meter) continue;
    if (WIFEXITED(status)) return WEXITSTATUS(status);
    if (!WIFSIGNALED(status)) continue;
    fail_system(fmt::format("the meter was ended by signal {} ({}): no figures", WTERMSIG(status),
                            ::strsignal(WTERMSIG(status))));
  }
}

}  // namespace

int guarded(const std::function<int(const ProgramOrigin&)>& body) {
  ProgramOrigin origin;
  origin.process_group = ::getpgrp();
  struct sigaction by_default {};
  by_default.sa_handler = SIG_DFL;
  ::sigaction(SIGCHLD, &by_default, &origin.child_disposition);
  const sigset_t watched = watched_signals();
  ::sigprocmask(SIG_BLOCK, &watched, &origin.signal_mask);
  std::fflush(nullptr);
  const pid_t meter = ::fork();
  if (meter < 0) fail_errno("cannot start the meter: fork", errno);
  if (meter > 0) return guard(meter, watched);
  ::setpgid(0, 0);
  // In the background of its terminal by now, it writes there all the same.
  sigset_t writing;
  sigemptyset(&writing);
  sigaddset(&writing, SIGTTOU);
  ::sigprocmask(SIG_BLOCK, &writing, nullptr);
  return body(origin);
}

}  // namespace haywatt::meter
