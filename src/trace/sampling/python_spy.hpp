/// The functions of Python programs, which their machine code does not tell, by py-spy (github.com/benfred/py-spy): one
/// process of it beside each interpreter. Not thread-safe.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "haywatt/record/profile.hpp"

namespace haywatt::trace {

/// A stack from the outermost frame to the innermost.
struct PythonStack {
  std::vector<FrameRecord> frames;  ///< module "python" for Python's, else the library
  std::uint64_t count = 0;
};

/// A line of `py-spy record --format raw`: "main (a.py:3);work (b.py:10) 42". Lines that are none are passed over.
[[nodiscard]] std::vector<PythonStack> read_py_spy(std::string_view text);

/// Whether a file with code is a Python interpreter, by its name: python3.11, libpython3.12.so.1.0.
[[nodiscard]] bool is_python(std::string_view path);

class PythonSpy {
 public:
  explicit PythonSpy(double rate_Hz) : rate_Hz_(rate_Hz) {}
  ~PythonSpy();
  PythonSpy(const PythonSpy&) = delete;
  PythonSpy& operator=(const PythonSpy&) = delete;

  /// Sees an interpreter use a CPU once more. One that has used some time gets a spy, if there is one to be had.
  void saw(pid_t pid);
  /// Ends all spies; what they saw, by process.
  [[nodiscard]] std::map<pid_t, std::vector<PythonStack>> finish(std::vector<std::string>& notes);
  [[nodiscard]] bool used() const { return !spies_.empty(); }

 private:
  struct Spy {
    pid_t process = -1, spy = -1;
    int output = -1, messages = -1;
    bool ended = false;
  };
  void start(pid_t pid);
  void end(Spy& spy);

  double rate_Hz_;
  std::string program_;
  bool looked_for_ = false, missing_ = false;
  std::map<pid_t, int> seen_;
  std::vector<Spy> spies_;
};

}  // namespace haywatt::trace
