/// The signals of the meter: read from a file descriptor, and given back to the program as they were.
#pragma once
#include <signal.h>

#include <optional>

namespace haywatt::meter {

/// Blocks the signals that the meter passes on or waits for, until destroyed. One at a time; one thread.
class Signals {
 public:
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  [[nodiscard]] int fd() const { return fd_; }
  struct Arrival {
    int signal = 0;
    pid_t sender = 0;  ///< 0 if the kernel sent it (a key on the terminal)
    bool by_kernel = false;
  };
  /// The next one that came, without waiting.
  [[nodiscard]] std::optional<Arrival> take() noexcept;
  /// In a child before exec: mask and dispositions as they were when this was made. Async-signal-safe.
  void restore() const noexcept;

 private:
  int fd_ = -1;
  sigset_t mask_{};
  struct sigaction child_ {};
};

/// Those that mean "end": SIGINT, SIGTERM, SIGHUP, SIGQUIT.
[[nodiscard]] bool is_ending(int signal) noexcept;

}  // namespace haywatt::meter
