#include "experiment/bottleneck_neighbours.hpp"

#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <limits>
#include <new>
#include <numeric>
#include <utility>
#include <vector>

#include "haywatt/base/error.hpp"

namespace haywatt::experiment {
namespace {

using detail::NeighbourCounters;

struct Request {
  char verb;  ///< 's' start, 'e' end
  int place, kind, cpu;
};

constexpr std::size_t stream_B = std::size_t{128} << 20, chase_B = std::size_t{64} << 20, line_B = 64;

volatile std::sig_atomic_t user_of_neighbours = 0;

void note_cpu_time(NeighbourCounters& counters) {
  timespec t{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  counters.cpu_ns.store(static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(t.tv_nsec));
}

/// Huge pages where there are any, so that translation of addresses costs nothing. nullptr if there is no memory.
std::uint64_t* pages(std::size_t bytes) {
  void* at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) return nullptr;
  ::madvise(at, bytes, MADV_HUGEPAGE);
  auto* words = static_cast<std::uint64_t*>(at);
  for (std::size_t i = 0; i < bytes / sizeof(std::uint64_t); i += 512) words[i] = i;
  return words;
}

/// Keeps the compiler from leaving a computation out.
void keep(std::uint64_t value) { asm volatile("" : : "r"(value) : "memory"); }

[[noreturn]] void compute_for_ever(NeighbourCounters& counters) {
  std::uint64_t x = 1;
  while (true) {
    for (int i = 0; i < 100'000; ++i) x = (x ^ (x >> 29)) * 0xBF58476D1CE4E5B9U;
    keep(x);
    counters.work.fetch_add(100'000);
    note_cpu_time(counters);
  }
}

[[noreturn]] void stream_for_ever(NeighbourCounters& counters) {
  constexpr std::size_t step = line_B / sizeof(std::uint64_t), piece = (std::size_t{1} << 20) / sizeof(std::uint64_t);
  const std::uint64_t* const data = pages(stream_B);
  if (data == nullptr) ::_exit(1);
  while (true)
    for (std::size_t from = 0; from < stream_B / sizeof(std::uint64_t); from += piece) {
      std::uint64_t a = 0, b = 0, c = 0, d = 0;
      for (std::size_t i = from; i < from + piece; i += 4 * step) {
        a += data[i];
        b += data[i + step];
        c += data[i + 2 * step];
        d += data[i + 3 * step];
      }
      keep(a + b + c + d);
      counters.work.fetch_add(piece * sizeof(std::uint64_t));
      note_cpu_time(counters);
    }
}

[[noreturn]] void chase_for_ever(NeighbourCounters& counters) {
  constexpr std::size_t lines = chase_B / line_B, step = line_B / sizeof(std::uint64_t);
  std::uint64_t* const data = pages(chase_B);
  if (data == nullptr) ::_exit(1);
  {
    std::vector<std::uint32_t> order(lines);
    std::iota(order.begin(), order.end(), 0U);
    std::uint64_t state = 1;
    for (std::size_t i = lines - 1; i > 0; --i) {  // Sattolo: one cycle through all lines
      state = state * 6364136223846793005U + 1442695040888963407U;
      std::swap(order[i], order[(state >> 33) % i]);
    }
    for (std::size_t i = 0; i < lines; ++i) data[i * step] = order[i] * step;
  }
  std::uint64_t at = 0;
  while (true) {
    for (int i = 0; i < 5'000; ++i) at = data[at];
    keep(at);
    counters.work.fetch_add(5'000);
    note_cpu_time(counters);
  }
}

[[noreturn]] void be_neighbour(Neighbour kind, int cpu, pid_t parent, NeighbourCounters& counters) {
  ::setpgid(0, 0);  // Ctrl-C is not meant for it: it ends when it is told to
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  if (::sched_setaffinity(0, sizeof set, &set) != 0) ::_exit(1);
  if (kind == Neighbour::Stream) stream_for_ever(counters);
  if (kind == Neighbour::Chase) chase_for_ever(counters);
  compute_for_ever(counters);
}

void pass_on(int signal, siginfo_t* info, void*) {
  // From a terminal it reaches the child too; sent to this process alone it would not.
  if (user_of_neighbours > 0 && (info->si_code == SI_USER || info->si_code == SI_TKILL))
    ::kill(static_cast<pid_t>(user_of_neighbours), signal);
}

void end_one(pid_t& pid) {
  if (pid <= 0) return;
  ::kill(pid, SIGKILL);
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid = 0;
}

/// The parent: does what the child asks until it is gone.
void keep_neighbours(int channel, NeighbourCounters* counters) {
  std::array<pid_t, Neighbours::places> running{};
  const pid_t self = ::getpid();
  while (true) {
    Request r{};
    const ssize_t n = ::recv(channel, &r, sizeof r, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n != static_cast<ssize_t>(sizeof r)) break;
    pid_t& pid = running.at(static_cast<std::size_t>(r.place));
    end_one(pid);
    if (r.verb == 's') {
      NeighbourCounters& mine = counters[r.place];
      mine.work.store(0);
      mine.cpu_ns.store(0);
      pid = ::fork();
      if (pid == 0) {
        ::close(channel);
        for (const int s : {SIGINT, SIGTERM, SIGHUP}) ::signal(s, SIG_IGN);
        be_neighbour(static_cast<Neighbour>(r.kind), r.cpu, self, mine);
      }
    }
    const char answer = r.verb == 's' && pid < 0 ? 'n' : 'y';
    if (::send(channel, &answer, 1, MSG_NOSIGNAL) != 1) break;
  }
  for (pid_t& pid : running) end_one(pid);
}

}  // namespace

double work_rate(const NeighbourWork& before, const NeighbourWork& after) {
  const double seconds = after.cpu_s - before.cpu_s;
  return seconds > 0.0 ? (after.work - before.work) / seconds : std::numeric_limits<double>::quiet_NaN();
}

void Neighbours::ask(char verb, int place, int kind, int cpu) {
  const Request r{verb, place, kind, cpu};
  char answer = 'n';
  ssize_t n = ::send(channel_, &r, sizeof r, MSG_NOSIGNAL);
  while (n > 0 && (n = ::recv(channel_, &answer, 1, 0)) < 0 && errno == EINTR) n = 1;
  if (n != 1 || answer != 'y') fail_system("cannot start a neighbour: fork failed");
}

void Neighbours::start(int place, Neighbour kind, int cpu) {
  ask('s', place, static_cast<int>(kind), cpu);
  // It works once its memory is there; a chase over 64 MB is laid out in about a second.
  for (int look = 0; look < 3000; ++look) {
    if (seen(place).work > 0.0) return;
    ::usleep(5'000);
  }
  stop(place);
  fail_system("a neighbour did not start to work within 15 s (is there memory, and is its CPU allowed?)");
}

void Neighbours::stop(int place) { ask('e', place, 0, 0); }

NeighbourWork Neighbours::seen(int place) const {
  const NeighbourCounters& c = counters_[place];
  return {static_cast<double>(c.work.load()), static_cast<double>(c.cpu_ns.load()) * 1e-9};
}

int with_neighbours(const std::function<int(Neighbours&)>& body) {
  void* const shared = ::mmap(nullptr, sizeof(NeighbourCounters) * Neighbours::places, PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  std::array<int, 2> ends{};
  if (shared == MAP_FAILED || ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
    fail_errno("cannot prepare neighbours", errno);
  auto* const counters = new (shared) NeighbourCounters[Neighbours::places];
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) fail_errno("cannot prepare neighbours: fork", errno);
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);
    ::close(ends[0]);
    Neighbours neighbours(ends[1], counters);
    return body(neighbours);
  }
  ::close(ends[1]);
  user_of_neighbours = child;
  struct sigaction action {};
  action.sa_sigaction = pass_on;
  action.sa_flags = SA_SIGINFO;
  for (const int s : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(s, &action, nullptr);
  keep_neighbours(ends[0], counters);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace haywatt::experiment
