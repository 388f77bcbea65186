#include "trace/sampling/kernel_symbols.hpp"

#include <algorithm>
#include <charconv>

#include "trace/sampling/proc_text.hpp"

namespace haywatt::trace {
namespace {

constexpr std::size_t longest_text_B = 64 << 20;

}  // namespace

void KernelSymbols::read() {
  read_ = true;
  text_ = proc_text("/proc/kallsyms", longest_text_B);
  // "ffffffff81000000 T startup_64", for modules with "\t[name]" behind
  for (std::string_view rest = text_; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    std::uint64_t address = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), address, 16);
    const auto at = static_cast<std::size_t>(end - line.data());
    if (error != std::errc{} || address == 0 || at + 3 >= line.size() || (line[at + 1] | 0x20) != 't') continue;
    const std::string_view name = line.substr(at + 3);
    symbols_.push_back({address, name.substr(0, name.find('\t'))});
  }
  const auto by_start = [](const Symbol& a, const Symbol& b) { return a.start < b.start; };
  if (!std::is_sorted(symbols_.begin(), symbols_.end(), by_start))
    std::stable_sort(symbols_.begin(), symbols_.end(), by_start);
}

std::string_view KernelSymbols::function_at(std::uint64_t address) {
  if (!read_) read();
  const auto after = std::upper_bound(symbols_.begin(), symbols_.end(), address,
                                      [](std::uint64_t a, const Symbol& s) { return a < s.start; });
  return after == symbols_.begin() ? "[kernel]" : std::prev(after)->name;
}

}  // namespace haywatt::trace
