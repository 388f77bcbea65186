#include "cli/signal_memory.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "haywatt/base/error.hpp"

namespace haywatt::cli {
namespace {

volatile std::sig_atomic_t asked_to_stop = 0;
void remember_signal(int signal) { asked_to_stop = signal; }

}  // namespace

SignalMemory::SignalMemory() {
  struct sigaction action {};
  action.sa_handler = remember_signal;
  for (std::size_t i = 0; i < signals.size(); ++i) ::sigaction(signals[i], &action, &before_[i]);
}

SignalMemory::~SignalMemory() {
  for (std::size_t i = 0; i < signals.size(); ++i) ::sigaction(signals[i], &before_[i], nullptr);
}

int SignalMemory::received() { return static_cast<int>(asked_to_stop); }

void SignalMemory::remember(int signal) { asked_to_stop = signal; }

void close_standard_input() {
  const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (nothing < 0 || ::dup2(nothing, STDIN_FILENO) < 0) fail_errno("cannot open /dev/null", errno);
  ::close(nothing);
}

}  // namespace haywatt::cli
