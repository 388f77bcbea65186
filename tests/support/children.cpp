/// Makes processes in many ways for tests of the program meter, and tells what they used by their own clocks.
///
///   children FILE MODE [COUNT]
///
/// FILE gets two numbers of nanoseconds: the CPU time that all of them had used just before each ended, by their own
/// clocks, and what the kernel told this process of itself and of those it could wait for, their ends included. Modes:
/// direct, nested, double-fork, setsid, ignored (nobody waits, the kernel reaps), exec (vfork and exec), and spin (one
/// such child).
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>

namespace {

constexpr long spin_ns = 5'000'000;

long used_ns() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec * 1'000'000'000L + t.tv_nsec;
}

long told_ns(int whose) {
  rusage use{};
  getrusage(whose, &use);
  return (use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1'000'000'000L +
         (use.ru_utime.tv_usec + use.ru_stime.tv_usec) * 1'000L;
}

struct Shared {
  std::atomic<long> ns, ended;
};
Shared* shared = nullptr;

[[noreturn]] void end() {
  shared->ended += 1;
  shared->ns += used_ns();
  _exit(0);
}

[[noreturn]] void spin() {
  while (used_ns() < spin_ns) {
  }
  end();
}

/// At most 16 at a time: children that nobody can wait for are watched by their count.
void let_some_end(long started, long most) {
  while (started - shared->ended > most) usleep(500);
}

bool start(const std::string& mode, const char* self, const std::string& path) {
  const pid_t pid = mode == "exec" ? vfork() : fork();
  if (pid < 0) return false;
  if (pid == 0) {
    if (mode == "exec") {
      execl(self, self, path.c_str(), "spin", static_cast<char*>(nullptr));
      _exit(1);
    }
    if (mode == "setsid") setsid();
    if (mode == "double-fork" && fork() != 0) {
      shared->ns += used_ns();
      _exit(0);
    }
    if (mode == "nested") {
      const pid_t inner = fork();
      if (inner == 0) spin();
      waitpid(inner, nullptr, 0);
      shared->ns += used_ns();
      _exit(0);
    }
    spin();
  }
  if (mode != "ignored") waitpid(pid, nullptr, 0);
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const std::string path = argv[1], mode = argv[2];
  const std::string counter = path + ".counter";
  const long count = argc > 3 ? std::strtol(argv[3], nullptr, 10) : 1;
  const int fd = open(counter.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || ftruncate(fd, sizeof(Shared)) != 0) return 3;
  shared = static_cast<Shared*>(mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  if (shared == MAP_FAILED) return 3;
  if (mode == "spin") spin();
  shared->ns = 0;
  shared->ended = 0;
  if (mode == "ignored") std::signal(SIGCHLD, SIG_IGN);
  for (long i = 0; i < count; ++i) {
    let_some_end(i, 16);
    if (!start(mode, argv[0], path)) return 4;
  }
  let_some_end(count, 0);
  std::FILE* out = std::fopen(path.c_str(), "w");
  if (out == nullptr) return 3;
  unlink(counter.c_str());
  std::fprintf(out, "%ld %ld\n", shared->ns + used_ns(), told_ns(RUSAGE_CHILDREN) + used_ns());
  std::fclose(out);
  _exit(0);
}
