#include "experiment/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fstream>

#include "haywatt/base/error.hpp"

namespace haywatt::experiment {
namespace {

constexpr std::size_t words_kept = 4096;

/// A file descriptor that closes itself.
class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() { close(); }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  [[nodiscard]] int get() const { return fd_; }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
};

/// An unnamed file in memory: a child can read or fill it without our having to keep up, as with a pipe.
int memory_file(const char* name) {
  const int fd = ::memfd_create(name, MFD_CLOEXEC);
  if (fd < 0) fail_errno("cannot start a worker: memfd_create", errno);
  return fd;
}

std::string read_whole(int fd) {
  std::string text;
  std::array<char, 65536> piece{};
  ::lseek(fd, 0, SEEK_SET);
  for (ssize_t n = 0; (n = ::read(fd, piece.data(), piece.size())) > 0;)
    text.append(piece.data(), static_cast<std::size_t>(n));
  return text;
}

void write_whole(int fd, const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t n = ::write(fd, text.data() + done, text.size() - done);
    if (n < 0) fail_errno("cannot start a worker", errno);
    done += static_cast<std::size_t>(n);
  }
  ::lseek(fd, 0, SEEK_SET);
}

sigset_t ending_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int s : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, s);
  return set;
}

/// Between fork and exec: only async-signal-safe calls.
[[noreturn]] void become(const std::string& program, char* const* argv, int in, int out, int err) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const sigset_t set = ending_signals();
  ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
  if (::dup2(in, 0) >= 0 && ::dup2(out, 1) >= 0 && ::dup2(err, 2) >= 0) ::execv(program.c_str(), argv);
  const char* why = std::strerror(errno);
  (void)!::write(2, why, std::strlen(why));
  ::_exit(127);
}

/// Reads standard error until the child closes it, the time is over, or a signal came.
void watch(int err, SignalWatch& signals, double timeout_s, ProcessResult& result) {
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                           std::chrono::duration<double>(std::min(timeout_s, 1e9)));
  std::array<char, 4096> piece{};
  while (true) {
    const auto left_ms = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left_ms <= 0) {
      result.timed_out = true;
      return;
    }
    std::array<pollfd, 2> waiting = {pollfd{err, POLLIN, 0}, pollfd{signals.fd(), POLLIN, 0}};
    const int ready = ::poll(waiting.data(), waiting.size(), static_cast<int>(std::min<long>(left_ms + 1, 3600000)));
    if (ready < 0 && errno != EINTR) fail_errno("cannot watch a worker", errno);
    if (signals.received() != 0) {
      result.interrupted = true;
      return;
    }
    if (ready <= 0 || waiting[0].revents == 0) continue;
    const ssize_t n = ::read(err, piece.data(), piece.size());
    if (n == 0 || (n < 0 && errno != EINTR)) return;
    if (n > 0) result.last_words.append(piece.data(), static_cast<std::size_t>(n));
    if (result.last_words.size() > 2 * words_kept) result.last_words.erase(0, result.last_words.size() - words_kept);
  }
}

/// Kills all children of this process, whose children then become ours, until there are none; gives up after a second
/// where something cannot be killed.
void end_orphans() {
  for (int look = 0; look < 100; ++look) {
    std::ifstream list("/proc/self/task/" + std::to_string(::getpid()) + "/children");
    for (pid_t pid = 0; list >> pid;) ::kill(pid, SIGKILL);
    pid_t gone = 0;
    while ((gone = ::waitpid(-1, nullptr, WNOHANG)) > 0) {
    }
    if (gone < 0) return;
    ::usleep(10'000);
  }
}

}  // namespace

SignalWatch::SignalWatch() {
  const sigset_t set = ending_signals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  fd_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd_ < 0) fail_errno("cannot watch for signals", errno);
}

SignalWatch::~SignalWatch() {
  // What is still pending was meant for the work that ends here; it is taken so that it does not end the report.
  (void)received();
  ::close(fd_);
  const sigset_t set = ending_signals();
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

int SignalWatch::received() {
  signalfd_siginfo info{};
  while (::read(fd_, &info, sizeof info) == static_cast<ssize_t>(sizeof info))
    if (received_ == 0) received_ = static_cast<int>(info.ssi_signo);
  return received_;
}

ProcessResult run_process(const std::string& program, const std::vector<std::string>& arguments,
                          const std::string& input, double timeout_s, SignalWatch& signals) {
  const auto start = std::chrono::steady_clock::now();
  ProcessResult result;
  if (signals.received() != 0) {
    result.interrupted = true;
    return result;
  }
  const Fd in(memory_file("job"));
  const Fd out(memory_file("record"));
  write_whole(in.get(), input);
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) fail_errno("cannot start a worker: pipe", errno);
  const Fd err_read(ends[0]);
  Fd err_write(ends[1]);

  std::vector<std::string> words = arguments;
  words.insert(words.begin(), program);
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  // What a worker leaves behind becomes ours: programs of external methods have process groups of their own.
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const pid_t child = ::fork();
  if (child < 0) fail_errno("cannot start a worker: fork", errno);
  if (child == 0) become(program, argv.data(), in.get(), out.get(), err_write.get());
  ::setpgid(child, child);  // also here: whichever of the two comes first
  err_write.close();

  watch(err_read.get(), signals, timeout_s, result);
  if (result.timed_out || result.interrupted) ::kill(-child, SIGKILL);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  end_orphans();
  if (WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) result.signal = WTERMSIG(status);
  if (result.last_words.size() > words_kept) result.last_words.erase(0, result.last_words.size() - words_kept);
  result.output = read_whole(out.get());
  result.wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace haywatt::experiment
