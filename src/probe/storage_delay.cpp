// Makes storage slower for a program that is linked to it dynamically: every call that reads, writes or synchronises a
// regular file, or looks one up, is timed, and the thread then sleeps HAYWATT_STORAGE_DELAY times as long (0: only
// timed). At its end each process appends a line "seconds calls bytes" to the file HAYWATT_STORAGE_SEEN.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

namespace {

constexpr long sleep_from_ns = 1'000'000;  // shorter sleeps last longer than asked: debts are gathered

double delay = 0.0;
char seen_path[4096];
long long total_ns, total_calls, total_bytes;
__thread long debt_ns, depth;

long now_ns() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1'000'000'000L + t.tv_nsec;
}

bool regular(int fd) {
  struct stat s;
  const int error = errno;
  const bool is = fstat(fd, &s) == 0 && (S_ISREG(s.st_mode) || S_ISBLK(s.st_mode));
  errno = error;
  return is;
}

void pay() {
  const int error = errno;
  const long before = now_ns();
  timespec t = {debt_ns / 1'000'000'000L, debt_ns % 1'000'000'000L};
  clock_nanosleep(CLOCK_MONOTONIC, 0, &t, nullptr);
  debt_ns -= now_ns() - before;
  errno = error;
}

// Times the outermost call of a thread: what stdio calls in turn is part of it.
class Timed {
 public:
  explicit Timed(bool counts) : counts_(counts && depth == 0) {
    ++depth;
    if (counts_) start_ = now_ns();
  }
  ~Timed() {
    --depth;
    if (!counts_) return;
    const long took = now_ns() - start_;
    __atomic_fetch_add(&total_ns, took, __ATOMIC_RELAXED);
    __atomic_fetch_add(&total_calls, 1, __ATOMIC_RELAXED);
    if (delay <= 0.0) return;
    debt_ns += static_cast<long>(static_cast<double>(took) * delay);
    if (debt_ns >= sleep_from_ns) pay();
  }
  long moved(long bytes) {
    if (counts_ && bytes > 0) __atomic_fetch_add(&total_bytes, bytes, __ATOMIC_RELAXED);
    return bytes;
  }

 private:
  bool counts_;
  long start_ = 0;
};

template <class F>
F next(F, const char* name) {
  return reinterpret_cast<F>(dlsym(RTLD_NEXT, name));
}

__attribute__((constructor)) void begin() {
  if (const char* text = getenv("HAYWATT_STORAGE_DELAY")) delay = atof(text);
  if (const char* path = getenv("HAYWATT_STORAGE_SEEN")) strncpy(seen_path, path, sizeof seen_path - 1);
}

__attribute__((destructor)) void end() {
  if (debt_ns > 0) pay();
  if (seen_path[0] == '\0') return;
  ++depth;
  const int fd = open(seen_path, O_WRONLY | O_APPEND | O_CLOEXEC);
  if (fd < 0) return;
  char line[128];
  const int n =
      snprintf(line, sizeof line, "%.9f %lld %lld\n", static_cast<double>(total_ns) * 1e-9, total_calls, total_bytes);
  if (write(fd, line, static_cast<size_t>(n)) < 0) {
  }
  close(fd);
}

}  // namespace

#define NEXT(name)                         \
  static decltype(&::name) real = nullptr; \
  if (real == nullptr) real = next<decltype(&::name)>(nullptr, #name)
#define EXPORT extern "C" __attribute__((visibility("default")))

EXPORT ssize_t read(int fd, void* to, size_t n) {
  NEXT(read);
  Timed t(regular(fd));
  return t.moved(real(fd, to, n));
}
EXPORT ssize_t write(int fd, const void* from, size_t n) {
  NEXT(write);
  Timed t(regular(fd));
  return t.moved(real(fd, from, n));
}
EXPORT ssize_t pread(int fd, void* to, size_t n, off_t at) {
  NEXT(pread);
  Timed t(regular(fd));
  return t.moved(real(fd, to, n, at));
}
EXPORT ssize_t pread64(int fd, void* to, size_t n, off64_t at) {
  NEXT(pread64);
  Timed t(regular(fd));
  return t.moved(real(fd, to, n, at));
}
EXPORT ssize_t pwrite(int fd, const void* from, size_t n, off_t at) {
  NEXT(pwrite);
  Timed t(regular(fd));
  return t.moved(real(fd, from, n, at));
}
EXPORT ssize_t pwrite64(int fd, const void* from, size_t n, off64_t at) {
  NEXT(pwrite64);
  Timed t(regular(fd));
  return t.moved(real(fd, from, n, at));
}
EXPORT ssize_t readv(int fd, const iovec* to, int n) {
  NEXT(readv);
  Timed t(regular(fd));
  return t.moved(real(fd, to, n));
}
EXPORT ssize_t writev(int fd, const iovec* from, int n) {
  NEXT(writev);
  Timed t(regular(fd));
  return t.moved(real(fd, from, n));
}
EXPORT int fsync(int fd) {
  NEXT(fsync);
  Timed t(true);
  return real(fd);
}
EXPORT int fdatasync(int fd) {
  NEXT(fdatasync);
  Timed t(true);
  return real(fd);
}
EXPORT void sync() {
  NEXT(sync);
  Timed t(true);
  real();
}
EXPORT int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const auto mode = va_arg(more, mode_t);
  va_end(more);
  static int (*real)(const char*, int, ...) = nullptr;
  if (real == nullptr) real = next<int (*)(const char*, int, ...)>(nullptr, "open");
  Timed t(true);
  return real(path, flags, mode);
}
EXPORT int open64(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const auto mode = va_arg(more, mode_t);
  va_end(more);
  static int (*real)(const char*, int, ...) = nullptr;
  if (real == nullptr) real = next<int (*)(const char*, int, ...)>(nullptr, "open64");
  Timed t(true);
  return real(path, flags, mode);
}
EXPORT int openat(int folder, const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const auto mode = va_arg(more, mode_t);
  va_end(more);
  static int (*real)(int, const char*, int, ...) = nullptr;
  if (real == nullptr) real = next<int (*)(int, const char*, int, ...)>(nullptr, "openat");
  Timed t(true);
  return real(folder, path, flags, mode);
}
EXPORT int close(int fd) {
  NEXT(close);
  Timed t(regular(fd));
  return real(fd);
}
EXPORT int unlink(const char* path) {
  NEXT(unlink);
  Timed t(true);
  return real(path);
}
EXPORT int rename(const char* from, const char* to) {
  NEXT(rename);
  Timed t(true);
  return real(from, to);
}
EXPORT int ftruncate(int fd, off_t n) {
  NEXT(ftruncate);
  Timed t(true);
  return real(fd, n);
}
EXPORT int ftruncate64(int fd, off64_t n) {
  NEXT(ftruncate64);
  Timed t(true);
  return real(fd, n);
}
EXPORT int stat(const char* path, struct stat* s) {
  NEXT(stat);
  Timed t(true);
  return real(path, s);
}
// stdio calls the kernel from within the C library, past the functions above.
EXPORT size_t fread(void* to, size_t size, size_t n, FILE* file) {
  NEXT(fread);
  Timed t(regular(fileno(file)));
  const size_t got = real(to, size, n, file);
  t.moved(static_cast<long>(got * size));
  return got;
}
EXPORT size_t fwrite(const void* from, size_t size, size_t n, FILE* file) {
  NEXT(fwrite);
  Timed t(regular(fileno(file)));
  const size_t put = real(from, size, n, file);
  t.moved(static_cast<long>(put * size));
  return put;
}
EXPORT char* fgets(char* to, int n, FILE* file) {
  NEXT(fgets);
  Timed t(regular(fileno(file)));
  return real(to, n, file);
}
EXPORT ssize_t getline(char** to, size_t* n, FILE* file) {
  NEXT(getline);
  Timed t(regular(fileno(file)));
  return t.moved(real(to, n, file));
}
EXPORT int fputs(const char* text, FILE* file) {
  NEXT(fputs);
  Timed t(regular(fileno(file)));
  return real(text, file);
}
EXPORT int fflush(FILE* file) {
  NEXT(fflush);
  Timed t(file == nullptr || regular(fileno(file)));
  return real(file);
}
EXPORT FILE* fopen(const char* path, const char* mode) {
  NEXT(fopen);
  Timed t(true);
  return real(path, mode);
}
EXPORT FILE* fopen64(const char* path, const char* mode) {
  NEXT(fopen64);
  Timed t(true);
  return real(path, mode);
}
EXPORT int fclose(FILE* file) {
  NEXT(fclose);
  Timed t(regular(fileno(file)));
  return real(file);
}
