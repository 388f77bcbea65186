#include "trace/sampling/kernel_symbols.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string_view>
#include <vector>

#include "trace/sampling/proc_text.hpp"
#include "trace/sampling/stack_builder.hpp"

namespace haywatt::trace {
namespace {

constexpr std::size_t longest_text_B = 64 << 20;
constexpr const char* kernel_module = "kernel";
constexpr std::string_view mark = "[kernel] at ";

class KernelSymbols {
 public:
  explicit KernelSymbols(const std::string& path) : text_(proc_text(path.c_str(), longest_text_B)) {
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

  [[nodiscard]] std::string_view function_at(std::uint64_t address) const {
    const auto after = std::upper_bound(symbols_.begin(), symbols_.end(), address,
                                        [](std::uint64_t a, const Symbol& s) { return a < s.start; });
    return after == symbols_.begin() ? "[kernel]" : std::prev(after)->name;
  }

 private:
  struct Symbol {
    std::uint64_t start = 0;
    std::string_view name;  ///< in text_
  };
  std::string text_;
  std::vector<Symbol> symbols_;
};

bool has_no_name(const FrameRecord& f) { return f.module == kernel_module && f.function.starts_with(mark); }

}  // namespace

FrameRecord kernel_frame(std::uint64_t address) { return {fmt::format("{}{:x}", mark, address), kernel_module, "", 0}; }

StackProfile with_kernel_names(const StackProfile& stacks, const std::string& symbols) {
  if (std::none_of(stacks.frames.begin(), stacks.frames.end(), has_no_name)) return stacks;
  const KernelSymbols names(symbols);
  StackBuilder builder;
  std::vector<std::uint32_t> path;
  each_stack(stacks, [&](std::span<const FrameRecord* const> frames, const StackNode& node) {
    path.clear();
    for (const FrameRecord* f : frames) {
      if (!has_no_name(*f)) {
        path.push_back(builder.frame(*f));
        continue;
      }
      std::uint64_t address = 0;
      std::from_chars(f->function.data() + mark.size(), f->function.data() + f->function.size(), address, 16);
      path.push_back(builder.frame({std::string(names.function_at(address)), kernel_module, "", 0}));
    }
    builder.add(path, node.samples, node.self_s);
  });
  StackProfile result = stacks;
  result.frames.clear();
  result.nodes.clear();
  builder.finish(result);
  return result;
}

}  // namespace haywatt::trace
