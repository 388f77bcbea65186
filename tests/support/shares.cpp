// A program whose time goes into two functions as 7 to 3, for tests of profilers:
// shares split|threads|fork|crash REPEATS, shares threads REPEATS COUNT, shares children COUNT. Its functions have C
// names, no frame pointers and enough work in a call that a sample between calls is rare.
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

volatile double sink = 0.0;

void spin(long n) {
  double x = 1.0;
  for (long i = 0; i < n; ++i) x = x * 1.0000001 + 1e-9;
  sink = x;
}

}  // namespace

extern "C" {
// Written out twice: a common callee, or functions folded into one, would be one name.
__attribute__((noinline)) void seventy_percent(long n) {
  double x = 1.0;
  for (long i = 0; i < 7 * n; ++i) x = x * 1.0000001 + 1e-9;
  sink = x;
}
__attribute__((noinline)) void thirty_percent(long n) {
  double x = 2.0;
  for (long i = 0; i < 3 * n; ++i) x = x * 1.0000001 + 2e-9;
  sink = x;
}
// Not a tail call: something is left to do after it.
__attribute__((noinline)) void deeper(int depth, long n) {
  if (depth > 0) {
    deeper(depth - 1, n);
  } else {
    seventy_percent(n);
    thirty_percent(n);
  }
  sink = sink + 1.0;
}
}

static void* work(void* repeats) {
  // Calls last differently long, in each thread too, or a sampler's period or the kernel's turns might keep step with
  // them.
  static std::atomic<unsigned long> threads{1};
  unsigned long drawn = 7919 * threads++;
  for (long i = 0; i < *static_cast<long*>(repeats); ++i) {
    drawn = drawn * 6364136223846793005UL + 1442695040888963407UL;
    deeper(30, 50'000 + static_cast<long>((drawn >> 33) % 100'000));
  }
  return nullptr;
}

int main(int argc, char** argv) {
  const char* mode = argc > 1 ? argv[1] : "split";
  long repeats = argc > 2 ? std::atol(argv[2]) : 100;
  if (std::strcmp(mode, "children") == 0) {
    for (long i = 0; i < repeats; ++i) {
      const pid_t child = fork();
      if (child == 0) {
        spin(500'000);
        _exit(0);
      }
      waitpid(child, nullptr, 0);
    }
    return 0;
  }
  if (std::strcmp(mode, "threads") == 0) {
    std::vector<pthread_t> threads(argc > 3 ? std::strtoul(argv[3], nullptr, 10) : 3);
    for (pthread_t& t : threads) pthread_create(&t, nullptr, work, &repeats);
    for (const pthread_t& t : threads) pthread_join(t, nullptr);
    return 0;
  }
  if (std::strcmp(mode, "fork") == 0) {
    if (fork() == 0) {
      work(&repeats);
      _exit(0);
    }
    wait(nullptr);
    return 0;
  }
  work(&repeats);
  if (std::strcmp(mode, "crash") == 0) raise(SIGSEGV);
  return 7;
}
