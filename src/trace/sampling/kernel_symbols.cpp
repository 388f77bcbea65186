#include "trace/sampling/kernel_symbols.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>

namespace haywatt::trace {

void KernelSymbols::read() {
  read_ = true;
  std::ifstream file("/proc/kallsyms");
  std::string line;
  // "ffffffff81000000 T startup_64", for modules with " [name]" behind
  while (std::getline(file, line)) {
    std::uint64_t address = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), address, 16);
    const auto at = static_cast<std::size_t>(end - line.data());
    if (error != std::errc{} || address == 0 || at + 3 >= line.size()) continue;
    if (line[at + 1] != 't' && line[at + 1] != 'T') continue;
    const auto name_end = line.find_first_of("\t ", at + 3);
    symbols_.push_back({address, line.substr(at + 3, name_end == std::string::npos ? name_end : name_end - at - 3)});
  }
  std::stable_sort(symbols_.begin(), symbols_.end(), [](const auto& a, const auto& b) { return a.start < b.start; });
}

const std::string& KernelSymbols::function_at(std::uint64_t address) {
  if (!read_) read();
  const auto after = std::upper_bound(symbols_.begin(), symbols_.end(), address,
                                      [](std::uint64_t a, const Symbol& s) { return a < s.start; });
  return after == symbols_.begin() ? unknown_ : std::prev(after)->name;
}

}  // namespace haywatt::trace
