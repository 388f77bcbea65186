#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "haywatt/base/error.hpp"
#include "haywatt/trace/sampling.hpp"
#include "trace/sampling/sampled_text.hpp"
#include "trace/sampling/sampler.hpp"

namespace haywatt::trace {
namespace {

/// Files of others are read here: one that makes libelf ask for endless memory is refused it.
constexpr rlim_t most_memory_B = rlim_t{6} << 30;

double own_cpu_s() {
  double sum = 0.0;
  for (const int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage use{};
    ::getrusage(who, &use);
    for (const timeval& t : {use.ru_utime, use.ru_stime})
      sum += static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  }
  return sum;
}

bool send_all(int to, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::send(to, text.data(), text.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

/// In the child: asks the sampler for what it saw.
Sampled ask(int sampler) {
  std::string text;
  if (send_all(sampler, "f")) {
    std::array<char, 65536> piece{};
    ssize_t n = 0;
    while ((n = ::recv(sampler, piece.data(), piece.size(), 0)) > 0 || (n < 0 && errno == EINTR))
      if (n > 0) text.append(piece.data(), static_cast<std::size_t>(n));
  }
  return sampled_from_text(text);
}

/// The signals that are blocked, as a descriptor.
int watch_blocked_signals() {
  sigset_t blocked;
  ::sigprocmask(SIG_BLOCK, nullptr, &blocked);
  sigaddset(&blocked, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &blocked, nullptr);
  const int fd = ::signalfd(-1, &blocked, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd < 0) fail_errno("cannot watch for signals", errno);
  return fd;
}

/// The sampling process: until the child is gone.
class Beside {
 public:
  Beside(Sampler& sampler, pid_t child, int socket, int signals)
      : sampler_(sampler), child_(child), socket_(socket), signals_(signals) {}

  int run() {
    while (!code_) {
      std::vector<pollfd> list = {{signals_, POLLIN, 0}, {socket_, static_cast<short>(socket_ < 0 ? 0 : POLLIN), 0}};
      if (sampling_) sampler_.add_descriptors(list);
      ::poll(list.data(), list.size(), sampling_ ? sampler_.wait_ms() : -1);
      if (sampling_) sampler_.step();
      if (list[1].revents != 0) answer();
      take_signals();
    }
    return *code_;
  }

 private:
  void answer() {
    char asked = 0;
    if (::recv(socket_, &asked, 1, 0) == 1) {
      Sampled result;
      sampler_.finish(result);
      result.sampler_cpu_s = own_cpu_s();
      (void)send_all(socket_, text_of(result));
    }
    sampling_ = false;
    ::close(socket_);
    socket_ = -1;
  }

  void take_signals() {
    signalfd_siginfo info{};
    while (::read(signals_, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
      if (info.ssi_signo == SIGCHLD) continue;
      sigval told{};
      // Who sent it first, if it was passed on to us; 0: the kernel.
      told.sival_int = info.ssi_code == SI_QUEUE ? info.ssi_int
                       : info.ssi_code > 0       ? 0
                                                 : static_cast<int>(info.ssi_pid);
      ::sigqueue(child_, static_cast<int>(info.ssi_signo), told);
    }
    int status = 0;
    if (::waitpid(child_, &status, WNOHANG) != child_) return;
    if (WIFEXITED(status)) code_ = WEXITSTATUS(status);
    if (WIFSIGNALED(status))
      fail_system(fmt::format("the meter was ended by signal {} ({}): no figures", WTERMSIG(status),
                              ::strsignal(WTERMSIG(status))));
  }

  Sampler& sampler_;
  pid_t child_;
  int socket_, signals_;
  bool sampling_ = true;
  std::optional<int> code_;
};

std::unique_ptr<Sampler> make_sampler(const SamplingOptions& options) {
  using By = SamplingOptions::By;
  std::string perf_reason, ptrace_reason;
  std::unique_ptr<Sampler> sampler;
  if (options.by != By::Ptrace) sampler = make_perf_sampler(options, perf_reason);
  if (!sampler && options.by != By::PerfEvent) sampler = make_ptrace_sampler(options, ptrace_reason);
  if (sampler) return sampler;
  const std::string both = perf_reason + (perf_reason.empty() || ptrace_reason.empty() ? "" : "; ") + ptrace_reason;
  fail_unavailable("this machine permits no sampling (" + both +
                   "): lower kernel.perf_event_paranoid to 2, or allow perf_event_open or ptrace in the container");
}

}  // namespace

int sample_beside(const SamplingOptions& options, const std::function<int(const std::function<Sampled()>&)>& body) {
  const auto sampler = make_sampler(options);
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) fail_errno("cannot sample", errno);
  const int signals = watch_blocked_signals();
  const pid_t child = ::fork();
  if (child < 0) fail_errno("cannot sample: fork", errno);
  if (child == 0) {
    ::close(ends[0]);
    ::close(signals);
    return body([&] { return ask(ends[1]); });
  }
  ::close(ends[1]);
#if !defined(__SANITIZE_ADDRESS__)
  const rlimit memory{most_memory_B, most_memory_B};
  ::setrlimit(RLIMIT_AS, &memory);
#endif
  sampler->start(child);
  return Beside(*sampler, child, ends[0], signals).run();
}

}  // namespace haywatt::trace
