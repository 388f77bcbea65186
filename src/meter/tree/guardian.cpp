#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>

#include "haywatt/base/error.hpp"
#include "haywatt/base/text.hpp"
#include "haywatt/meter/program_meter.hpp"
#include "meter/process_files.hpp"
#include "meter/tree/signals.hpp"

namespace haywatt::meter {
namespace {

/// Gives back the memory of the program's code, of which a process that only waits needs next to nothing: what it does
/// need comes back from the file.
void forget_code() {
  const std::string maps = slurp("/proc/self/maps");
  for (const std::string& line : split(maps, '\n')) {
    std::uintptr_t begin = 0, end = 0;
    const auto dash = line.find('-'), blank = line.find(' ');
    if (dash == std::string::npos || blank == std::string::npos || blank < dash) continue;
    if (line.compare(blank, 6, " r-xp ") != 0 || line.find('/') == std::string::npos) continue;
    std::from_chars(line.data(), line.data() + dash, begin, 16);
    std::from_chars(line.data() + dash + 1, line.data() + blank, end, 16);
    // The kernel tells addresses as text. NOLINTNEXTLINE(performance-no-int-to-ptr)
    if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  }
}

/// Passes every signal on to the meter, saying who sent it (0: the kernel), until the meter has ended.
int guard(pid_t meter, const sigset_t& watched) {
  forget_code();
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

/// A caller may have closed standard streams. What we open must not come to lie in their places; the program finds them
/// closed.
void fill_standard_places() {
  for (int fd = ::open("/dev/null", O_RDWR | O_CLOEXEC); fd >= 0; fd = ::open("/dev/null", O_RDWR | O_CLOEXEC)) {
    if (fd <= 2) continue;
    ::close(fd);
    return;
  }
}

}  // namespace

int guarded(const std::function<int(const ProgramOrigin&)>& body) {
  fill_standard_places();
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
  if (meter > 0) {
    const int code = guard(meter, watched);
    // Keys pressed while it ended were meant for what is over.
    const timespec at_once{};
    while (::sigtimedwait(&watched, nullptr, &at_once) > 0) {
    }
    ::sigaction(SIGCHLD, &origin.child_disposition, nullptr);
    ::sigprocmask(SIG_SETMASK, &origin.signal_mask, nullptr);
    return code;
  }
  ::setpgid(0, 0);
  // In the background of its terminal by now, it writes there all the same.
  sigset_t writing;
  sigemptyset(&writing);
  sigaddset(&writing, SIGTTOU);
  ::sigprocmask(SIG_BLOCK, &writing, nullptr);
  return body(origin);
}

}  // namespace haywatt::meter
