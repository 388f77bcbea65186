/// Names of code that programs make while they run, from the files that they write for perf: /tmp/perf-PID.map
/// (Linux tools/perf/Documentation/jit-interface.txt; node --perf-basic-prof, python3.12 -X perf). Not thread-safe.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace haywatt::trace {

struct JitFunction {
  std::uint64_t start = 0, size = 0;
  std::string name;
};

/// Lines "START SIZE name", numbers hexadecimal, by start; what is none is passed over. At most a million.
[[nodiscard]] std::vector<JitFunction> read_perf_map(std::string_view text);

class JitNames {
 public:
  /// Empty if there is none. Valid until the next call.
  [[nodiscard]] std::string_view find(pid_t pid, std::uint64_t pc);

 private:
  struct Map {
    std::vector<JitFunction> functions;
    std::int64_t size_B = -1, next_look_ns = 0;
  };
  void look(pid_t pid, Map& map);

  std::unordered_map<pid_t, Map> maps_;
};

}  // namespace haywatt::trace
