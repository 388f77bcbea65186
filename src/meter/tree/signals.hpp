/// The signals of the meter: read from a file descriptor, and given back to the program as they were.
#pragma once
#include <signal.h>

#include <optional>

#include "haywatt/meter/program_meter.hpp"

namespace haywatt::meter {

/// Blocks the signals that the meter passes on or waits for, until destroyed. One at a time; one thread.
class Signals {
 public:
  /// `origin`: what the program should find, nullptr: what this process has now.
  explicit Signals(const ProgramOrigin* origin);
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
  /// In a child before exec: mask and dispositions as the program should find them. Async-signal-safe.
  void restore_for_program() const noexcept;

 private:
  int fd_ = -1;
  bool guarded_;
  sigset_t mask_{};
  struct sigaction child_ {};
  sigset_t program_mask_{};
  struct sigaction program_child_ {};
};

/// The signals that the meter blocks.
[[nodiscard]] sigset_t watched_signals() noexcept;

/// Those that mean "end": SIGINT, SIGTERM, SIGHUP, SIGQUIT.
[[nodiscard]] bool is_ending(int signal) noexcept;

}  // namespace haywatt::meter
