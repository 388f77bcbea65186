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

sigset_t watched_signals() noexcept {
  sigset_t set;
  sigemptyset(&set);
  for (const int s : watched) sigaddset(&set, s);
  return set;
}

Signals::Signals(const ProgramOrigin* origin) : guarded_(origin != nullptr) {
  const sigset_t set = watched_signals();
  // A caller that ignores SIGCHLD would have the kernel reap the program without telling us what it used.
  struct sigaction by_default {};
  by_default.sa_handler = SIG_DFL;
  ::sigaction(SIGCHLD, &by_default, &child_);
  ::sigprocmask(SIG_BLOCK, &set, &mask_);
  program_mask_ = origin != nullptr ? origin->signal_mask : mask_;
  program_child_ = origin != nullptr ? origin->child_disposition : child_;
  fd_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd_ < 0) fail_errno("cannot watch for signals", errno);
}

Signals::~Signals() {
  // What is pending was meant for the run that ends here.
  while (take()) {
  }
  ::close(fd_);
  ::sigaction(SIGCHLD, &child_, nullptr);
  ::sigprocmask(SIG_SETMASK, &mask_, nullptr);
}

std::optional<Signals::Arrival> Signals::take() noexcept {
  signalfd_siginfo info{};
  if (::read(fd_, &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return std::nullopt;
  const bool relayed = guarded_ && info.ssi_code == SI_QUEUE && static_cast<pid_t>(info.ssi_pid) == ::getppid();
  const auto sender = info.ssi_code > 0 ? 0 : relayed ? info.ssi_int : static_cast<pid_t>(info.ssi_pid);
  return Arrival{static_cast<int>(info.ssi_signo), sender};
}

void Signals::restore_for_program() const noexcept {
  ::sigaction(SIGCHLD, &program_child_, nullptr);
  ::sigprocmask(SIG_SETMASK, &program_mask_, nullptr);
}

}  // namespace haywatt::meter
