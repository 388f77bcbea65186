/// Child processes of a study: started, fed, watched, ended.
#pragma once
#include <string>
#include <vector>

namespace haywatt::experiment {

/// While one lives, SIGINT, SIGTERM and SIGHUP do not end this process but are remembered and wake run_process. Make it
/// before starting threads, on the main thread.
class SignalWatch {
 public:
  SignalWatch();
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;
  /// The first signal that arrived, or 0.
  [[nodiscard]] int received();
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_ = -1;
  int received_ = 0;
};

struct ProcessResult {
  int exit_code = -1;  ///< -1 if it was ended by a signal
  int signal = 0;
  bool timed_out = false;
  bool interrupted = false;  ///< a signal reached us; the child was killed
  std::string output;        ///< all of its standard output
  std::string last_words;    ///< the end of its standard error, at most 4 KiB
  double wall_s = 0.0;
};

/// Runs `program` with `arguments` in a process group of its own, `input` as its standard input. The child is killed
/// with its group at the time limit or when `signals` got one, and dies with this process; what it leaves running is
/// killed too (this process must have no other children). Error(System) if it cannot be started.
[[nodiscard]] ProcessResult run_process(const std::string& program, const std::vector<std::string>& arguments,
                                        const std::string& input, double timeout_s, SignalWatch& signals);

}  // namespace haywatt::experiment
