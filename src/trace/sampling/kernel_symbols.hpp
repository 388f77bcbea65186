/// Names of the kernel's functions, where it tells them.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace haywatt::trace {

class KernelSymbols {
 public:
  /// The function at an address, or "[kernel]" if the kernel hides its addresses (kernel.kptr_restrict). Reads
  /// /proc/kallsyms at the first call.
  [[nodiscard]] std::string_view function_at(std::uint64_t address);

 private:
  struct Symbol {
    std::uint64_t start = 0;
    std::string_view name;  ///< in text_
  };
  void read();

  bool read_ = false;
  std::string text_;
  std::vector<Symbol> symbols_;
};

}  // namespace haywatt::trace
