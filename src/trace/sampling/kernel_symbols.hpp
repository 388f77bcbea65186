/// Names of the kernel's functions, where it tells them.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace haywatt::trace {

class KernelSymbols {
 public:
  /// The function at an address, or "[kernel]" if the kernel hides its addresses (kernel.kptr_restrict). Reads
  /// /proc/kallsyms at the first call.
  [[nodiscard]] const std::string& function_at(std::uint64_t address);

 private:
  struct Symbol {
    std::uint64_t start = 0;
    std::string name;
  };
  void read();

  bool read_ = false;
  std::vector<Symbol> symbols_;
  std::string unknown_ = "[kernel]";
};

}  // namespace haywatt::trace
