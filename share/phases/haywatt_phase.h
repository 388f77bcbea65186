/* haywatt_phase.h: tells `haywatt meter` in which phase a C or C++ program is, so that it can say the joules of each.
 *
 *     #include "haywatt_phase.h"
 *     haywatt_phase_begin("train");
 *     ...
 *     haywatt_phase_end("train");
 *
 * In C++, `haywatt::Phase phase("train");` and in GNU C `HAYWATT_PHASE("train");` last until the end of their block.
 *
 * Phases nest, and belong to the thread that announces them. Without a meter (the environment variable HAYWATT_PHASES is
 * not set) a call costs one load. With one it costs a few microseconds, and never waits: a mark that finds the channel
 * full is dropped. errno is kept, no signal is raised, no file stays open, a forked child needs nothing special. The
 * environment must not be changed by another thread meanwhile (as with any getenv). C99 or C++98 and later; Linux, and
 * on other systems no operation. Protocol: docs/phases.md of Haywatt.
 *
 * Copyright the Haywatt authors. Permission to use, copy, modify and distribute this file for any purpose, with or
 * without fee and without this notice, is granted. It is provided "as is", without warranty of any kind.
 */
#ifndef HAYWATT_PHASE_H
#define HAYWATT_PHASE_H

#ifdef __linux__
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Declared here because strict C99 hides them; the kernel's own interface needs no feature macro of the includer. */
extern long syscall(long number, ...)
#if defined(__cplusplus) && defined(__GLIBC__)
    __THROW
#endif
    ;

/* 0: not known yet, 1: metered, 2: not metered. One in the whole program, however many files include this. */
__attribute__((weak)) int haywatt_phase_state_ = 0;

static inline long long haywatt_phase_clock_(long clock) {
  long time[2] = {0, 0}; /* the kernel's timespec */
  if (syscall(SYS_clock_gettime, clock, time) != 0) return 0;
  return time[0] * 1000000000LL + time[1];
}

/* The name in double quotes, at most 200 bytes of it, control characters as '?'. */
static inline void haywatt_phase_quote_(char* out, const char* name) {
  size_t length = strlen(name), i;
  if (length > 200) {
    length = 200;
    while (length > 0 && ((unsigned char)name[length] & 0xc0) == 0x80) --length; /* no half of a UTF-8 character */
  }
  *out++ = '"';
  for (i = 0; i < length; ++i) {
    const unsigned char c = (unsigned char)name[i];
    if (c == '"' || c == '\\') *out++ = '\\';
    *out++ = (c < 0x20 || c == 0x7f) ? '?' : name[i];
  }
  *out++ = '"';
  *out = '\0';
}

static inline void haywatt_phase_send_(const char* verb, const char* name) {
  const int error = errno;
  const char* const path = getenv("HAYWATT_PHASES");
  char line[600], quoted[404];
  int fd, length;
  if (path == NULL || *path == '\0') {
    __atomic_store_n(&haywatt_phase_state_, 2, __ATOMIC_RELAXED);
    return;
  }
  __atomic_store_n(&haywatt_phase_state_, 1, __ATOMIC_RELAXED);
  haywatt_phase_quote_(quoted, name == NULL ? "" : name);
  length = snprintf(line, sizeof line, "%s %s t=%lld cpu=%lld pid=%ld tid=%ld\n", verb, quoted,
                    haywatt_phase_clock_(1 /* CLOCK_MONOTONIC */), haywatt_phase_clock_(3 /* CLOCK_THREAD_CPUTIME_ID */),
                    syscall(SYS_getpid), syscall(SYS_gettid));
  /* Read and write, though nothing is read: so there is always a reader, and a meter that dies raises no SIGPIPE. */
  fd = open(path, O_RDWR | O_NONBLOCK | O_APPEND | O_NOCTTY
#ifdef O_CLOEXEC
                      | O_CLOEXEC
#endif
  );
  if (fd >= 0) {
    if (write(fd, line, (size_t)length) < 0) { /* full: this mark is dropped */
    }
    close(fd);
  }
  errno = error;
}

/* For `haywatt bottleneck`: HAYWATT_SPAN_DELAY="NAME=0.5" makes phase NAME half as long again, by a sleep before its end,
 * so that it is seen whether the program takes longer for it. Begin and end must be in one file of source. */
__extension__ static __thread long long haywatt_phase_began_;
__extension__ static __thread int haywatt_phase_depth_;

static inline void haywatt_phase_delay_(const char* verb, const char* name) {
  const char* const delay = getenv("HAYWATT_SPAN_DELAY");
  const char* const share = delay == NULL ? NULL : strrchr(delay, '=');
  int named;
  if (share == NULL) return;
  named = name != NULL && strlen(name) == (size_t)(share - delay) && strncmp(name, delay, (size_t)(share - delay)) == 0;
  if (*verb != 'b' && haywatt_phase_depth_ > 0 && (named || *verb == 'p') && --haywatt_phase_depth_ == 0) {
    const double ns = (double)(haywatt_phase_clock_(1) - haywatt_phase_began_) * strtod(share + 1, NULL);
    if (ns > 0.0 && ns < 1e13) {
      long time[2];
      time[0] = (long)(ns / 1e9);
      time[1] = (long)(ns - (double)time[0] * 1e9);
      syscall(SYS_nanosleep, time, (long*)NULL);
    }
  }
  if (*verb != 'e' && named && haywatt_phase_depth_++ == 0) haywatt_phase_began_ = haywatt_phase_clock_(1);
}

static inline void haywatt_phase_mark_(const char* verb, const char* name) {
  if (__atomic_load_n(&haywatt_phase_state_, __ATOMIC_RELAXED) == 2) return;
  if (*verb != 'b') haywatt_phase_delay_(verb, name);
  haywatt_phase_send_(verb, name);
  if (*verb == 'b') haywatt_phase_delay_(verb, name);
}

#ifdef __cplusplus
} /* extern "C" */
#endif

#else /* not Linux */
static inline void haywatt_phase_mark_(const char* verb, const char* name) {
  (void)verb;
  (void)name;
}
#endif

/* Begins a phase within the present one of this thread. */
static inline void haywatt_phase_begin(const char* name) { haywatt_phase_mark_("begin", name); }
/* Ends the innermost phase of that name on this thread; name NULL: the innermost of any name. */
static inline void haywatt_phase_end(const char* name) { haywatt_phase_mark_("end", name); }
/* Ends the innermost phase of this thread and begins this one; name NULL: none. */
static inline void haywatt_phase_switch(const char* name) { haywatt_phase_mark_("phase", name); }

#ifdef __cplusplus
namespace haywatt {
/* A phase that lasts as long as this object. `name` must live as long (a literal does). */
class Phase {
 public:
  explicit Phase(const char* name) : name_(name) { haywatt_phase_begin(name); }
  ~Phase() { haywatt_phase_end(name_); }

 private:
  Phase(const Phase&);
  Phase& operator=(const Phase&);
  const char* name_;
};
} /* namespace haywatt */
#elif defined(__GNUC__)
static inline void haywatt_phase_end_of_(const char** name) { haywatt_phase_end(*name); }
#define HAYWATT_PHASE_JOIN_(a, b) a##b
#define HAYWATT_PHASE_NAME_(line) HAYWATT_PHASE_JOIN_(haywatt_phase_scope_, line)
/* A phase that lasts to the end of the block. */
#define HAYWATT_PHASE(name)                                                                              \
  const char* HAYWATT_PHASE_NAME_(__LINE__) __attribute__((cleanup(haywatt_phase_end_of_), unused)) = (name); \
  haywatt_phase_begin(HAYWATT_PHASE_NAME_(__LINE__))
#endif

#endif
