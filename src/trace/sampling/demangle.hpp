/// Names of C++ functions as people write them.
#pragma once
#include <string>

namespace haywatt::trace {

/// Bounded in time: a symbol table may be made to blow up whoever reads it. Not thread-safe.
class Demangler {
 public:
  Demangler();
  /// The name itself if it is not mangled, or too long, or too much time has gone into names.
  [[nodiscard]] std::string operator()(const std::string& name);

 private:
  double given_up_at_s_;
};

}  // namespace haywatt::trace
