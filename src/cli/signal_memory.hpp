/// For commands that run other programs in turn: signals between two runs, and what the programs read.
#pragma once
#include <array>
#include <csignal>

namespace haywatt::cli {

/// Between two runs SIGINT, SIGTERM and SIGHUP are only remembered while one lives, so that what was measured is still
/// told. One at a time.
class SignalMemory {
 public:
  SignalMemory();
  ~SignalMemory();
  SignalMemory(const SignalMemory&) = delete;
  SignalMemory& operator=(const SignalMemory&) = delete;
  /// The last signal that came, or 0; also after the end of the memory.
  [[nodiscard]] static int received();
  /// A signal that somebody else took.
  static void remember(int signal);

 private:
  static constexpr std::array<int, 3> signals = {SIGINT, SIGTERM, SIGHUP};
  std::array<struct sigaction, 3> before_{};
};

/// Programs that are started from now on find nothing on their standard input: what one run reads, the next would miss.
void close_standard_input();

}  // namespace haywatt::cli
