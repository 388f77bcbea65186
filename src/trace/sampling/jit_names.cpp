#include "trace/sampling/jit_names.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <ctime>

namespace haywatt::trace {
namespace {

constexpr std::size_t most_functions = 1'000'000, longest_name = 512, most_programs = 256;
constexpr off_t largest_map_B = 64 << 20;
constexpr std::int64_t look_again_ns = 500'000'000;

std::int64_t monotonic_ns() {
  timespec t{};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

const JitFunction* function_at(const std::vector<JitFunction>& list, std::uint64_t pc) {
  const auto after =
      std::upper_bound(list.begin(), list.end(), pc, [](std::uint64_t a, const JitFunction& f) { return a < f.start; });
  if (after == list.begin() || pc - std::prev(after)->start >= std::prev(after)->size) return nullptr;
  return &*std::prev(after);
}

}  // namespace

std::vector<JitFunction> read_perf_map(std::string_view text) {
  std::vector<JitFunction> list;
  while (!text.empty() && list.size() < most_functions) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    JitFunction f;
    const char* const end = line.data() + line.size();
    const auto start = std::from_chars(line.data(), end, f.start, 16);
    if (start.ec != std::errc{} || start.ptr == end || *start.ptr != ' ') continue;
    const auto size = std::from_chars(start.ptr + 1, end, f.size, 16);
    if (size.ec != std::errc{} || size.ptr == end || *size.ptr != ' ' || size.ptr + 1 == end) continue;
    f.name = std::string_view(size.ptr + 1, static_cast<std::size_t>(end - size.ptr - 1)).substr(0, longest_name);
    list.push_back(std::move(f));
  }
  std::stable_sort(list.begin(), list.end(), [](const auto& a, const auto& b) { return a.start < b.start; });
  return list;
}

/// Anybody may write into /tmp: only what the program's own user wrote counts.
void JitNames::look(pid_t pid, Map& map) {
  struct stat owner {
  }, status{};
  const std::string path = fmt::format("/proc/{}/root/tmp/perf-{}.map", pid, pid);
  if (::stat(fmt::format("/proc/{}", pid).c_str(), &owner) != 0) return;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
  if (fd < 0) return;
  if (::fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == owner.st_uid &&
      status.st_size != map.size_B) {
    map.size_B = status.st_size;
    std::string text(static_cast<std::size_t>(std::min(status.st_size, largest_map_B)), '\0');
    const ssize_t n = ::pread(fd, text.data(), text.size(), 0);
    text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    map.functions = read_perf_map(text);
  }
  ::close(fd);
}

std::string_view JitNames::find(pid_t pid, std::uint64_t pc) {
  if (maps_.size() >= most_programs && !maps_.contains(pid)) return {};
  Map& map = maps_[pid];
  const JitFunction* found = function_at(map.functions, pc);
  if (found == nullptr && monotonic_ns() >= map.next_look_ns) {
    look(pid, map);
    map.next_look_ns = monotonic_ns() + look_again_ns;
    found = function_at(map.functions, pc);
  }
  return found == nullptr ? std::string_view() : std::string_view(found->name);
}

}  // namespace haywatt::trace
