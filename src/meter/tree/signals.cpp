#include "meter/tree/signals.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "haywatt/base/error.hpp"

namespace haywatt::meter {
namespace {

constexpr std::array watched = {SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH};

}  // namespace

bool is_ending(int signal) noexcept {
  return signal == SIGINT || signal == SIGTERM || signal == SIGHUP || signal == SIGQUIT;
}

Signals::Signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int s : watched) sigaddset(&set, s);
  // A caller that ignores SIGCHLD would have the kernel reap the program without telling us what it used.
  struct sigaction by_default {};
  by_default.sa_handler = SIG_DFL;
  ::sigaction(SIGCHLD, &by_default, &child_);
  ::sigprocmask(SIG_BLOCK, &set, &mask_);
  fd_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd_ < 0) {
    const int why = errno;
    restore();
    fail_errno("cannot watch for signals", why);
  }
}

Signals::~Signals() {
  // What is pending was meant for the run that ends here.
  while (take()) {
  }
  ::close(fd_);
  restore();
}

std::optional<Signals::Arrival> Signals::take() noexcept {
  signalfd_siginfo info{};
  if (::read(fd_, &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return std::nullopt;
  return Arrival{static_cast<int>(info.ssi_signo), static_cast<pid_t>(info.ssi_pid), info.ssi_code > 0};
}

void Signals::restore() const noexcept {
  ::sigaction(SIGCHLD, &child_, nullptr);
  ::sigprocmask(SIG_SETMASK, &mask_, nullptr);
}

}  // namespace haywatt::meter
