/// Small programs of the system, run to their end.
#pragma once
#include <string>
#include <vector>

namespace haywatt::distributed {

/// The exit code (128 + N for a signal, 127 if it is not there). `quiet`: its messages are thrown away.
[[nodiscard]] int run_program(std::vector<std::string> words, bool quiet);

}  // namespace haywatt::distributed
