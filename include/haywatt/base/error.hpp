/// Errors as users meet them: one line that says what was wrong, where, and what to do.
#pragma once
#include <stdexcept>
#include <string>
#include <utility>

namespace haywatt {

/// The kind of an error is the exit code of the program (docs/exit-codes.md).
enum class ErrorKind : int {
  CheckFailed = 1,  ///< a verify, bound or comparison failed
  Usage = 2,        ///< wrong command line or plan
  BadInput = 3,     ///< bad or damaged input data
  System = 4,       ///< disk full, no permission, file exists, out of memory
  Unavailable = 5,  ///< not available on this machine (no plug-in, no GPU)
};

/// The only exception type that rooms throw on purpose. `what()` is one line without a final dot or newline.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  [[nodiscard]] ErrorKind kind() const noexcept { return kind_; }
  [[nodiscard]] int exit_code() const noexcept { return static_cast<int>(kind_); }

 private:
  ErrorKind kind_;
};

[[noreturn]] inline void fail_check(const std::string& m) { throw Error(ErrorKind::CheckFailed, m); }
[[noreturn]] inline void fail_usage(const std::string& m) { throw Error(ErrorKind::Usage, m); }
[[noreturn]] inline void fail_input(const std::string& m) { throw Error(ErrorKind::BadInput, m); }
[[noreturn]] inline void fail_system(const std::string& m) { throw Error(ErrorKind::System, m); }
[[noreturn]] inline void fail_unavailable(const std::string& m) { throw Error(ErrorKind::Unavailable, m); }

/// `fail_system` with the text of `errno` appended: "cannot write out.hay: No space left on device".
[[noreturn]] void fail_errno(const std::string& what, int error_number);

}  // namespace haywatt
