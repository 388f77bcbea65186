#include "meter/process_files.hpp"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

namespace haywatt::meter {
namespace {

std::optional<std::int64_t> clock_ns(clockid_t clock) noexcept {
  timespec t{};
  if (clock_gettime(clock, &t) != 0) return std::nullopt;
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

/// Fields of the first line of /proc/stat: user nice system idle iowait irq softirq steal.
std::optional<std::array<std::uint64_t, 8>> cpu_ticks(std::string_view stat) {
  if (!stat.starts_with("cpu ")) return std::nullopt;
  stat.remove_prefix(4);
  std::array<std::uint64_t, 8> t{};
  for (auto& value : t) {
    const auto n = next_number(stat);
    if (!n) return std::nullopt;
    value = *n;
  }
  return t;
}

}  // namespace

std::optional<std::uint64_t> next_number(std::string_view& text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data() + begin, text.data() + text.size(), value);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

std::optional<std::uint64_t> number_after(std::string_view text, std::string_view key) {
  const auto at = text.find(key);
  if (at == std::string_view::npos || (at > 0 && text[at - 1] != '\n')) return std::nullopt;
  text.remove_prefix(at + key.size());
  return next_number(text);
}

std::string slurp(const char* path) {
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  std::string text;
  if (fd < 0) return text;
  std::array<char, 4096> piece{};
  for (ssize_t n = 0; text.size() < (1U << 20) && (n = ::read(fd, piece.data(), piece.size())) > 0;)
    text.append(piece.data(), static_cast<std::size_t>(n));
  ::close(fd);
  return text;
}

ProcFile::ProcFile(const char* path) : fd_(::open(path, O_RDONLY | O_CLOEXEC)) {}
ProcFile::~ProcFile() {
  if (fd_ >= 0) ::close(fd_);
}

std::string_view ProcFile::text() noexcept {
  const ssize_t n = fd_ < 0 ? -1 : ::pread(fd_, buffer_.data(), buffer_.size(), 0);
  return n <= 0 ? std::string_view{} : std::string_view(buffer_.data(), static_cast<std::size_t>(n));
}

std::optional<std::uint64_t> resident_B(std::string_view statm) {
  if (!next_number(statm)) return std::nullopt;  // total size
  const auto pages = next_number(statm);
  if (!pages) return std::nullopt;
  return *pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

std::optional<IoCounts> io_counts(std::string_view io) {
  const auto read = number_after(io, "rchar:"), written = number_after(io, "wchar:");
  if (!read || !written) return std::nullopt;
  return IoCounts{*read, *written};
}

std::optional<std::uint64_t> peak_resident_B(std::string_view status) {
  const auto kB = number_after(status, "VmHWM:");
  if (!kB) return std::nullopt;
  return *kB * 1024;
}

std::optional<std::uint64_t> ignored_signals(std::string_view status) {
  constexpr std::string_view key = "\nSigIgn:\t";
  const auto at = status.find(key);
  if (at == std::string_view::npos) return std::nullopt;
  status.remove_prefix(at + key.size());
  std::uint64_t mask = 0;
  const auto [end, error] = std::from_chars(status.data(), status.data() + status.size(), mask, 16);
  return error == std::errc{} ? std::optional(mask) : std::nullopt;
}

std::optional<double> machine_busy_s(std::string_view stat, long ticks_per_s) {
  const auto t = cpu_ticks(stat);
  if (!t || ticks_per_s <= 0) return std::nullopt;
  return static_cast<double>((*t)[0] + (*t)[1] + (*t)[2] + (*t)[5] + (*t)[6]) / static_cast<double>(ticks_per_s);
}

std::optional<double> stolen_s(std::string_view stat, long ticks_per_s) {
  const auto t = cpu_ticks(stat);
  if (!t || ticks_per_s <= 0) return std::nullopt;
  return static_cast<double>((*t)[7]) / static_cast<double>(ticks_per_s);
}

std::optional<ProcessStat> process_stat(std::string_view stat) {
  // The name may hold anything, brackets and blanks too: it ends at the last bracket.
  const auto open = stat.find('('), close = stat.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close + 2 >= stat.size())
    return std::nullopt;
  ProcessStat p;
  p.name = stat.substr(open + 1, close - open - 1);
  p.state = stat[close + 2];
  std::string_view rest = stat.substr(close + 3);
  // Fields from the fourth on; some are negative and are skipped as words.
  for (int field = 4; field <= 24; ++field) {
    const auto begin = rest.find_first_not_of(' ');
    if (begin == std::string_view::npos) return std::nullopt;
    rest.remove_prefix(begin);
    const auto end = std::min(rest.find_first_of(" \n"), rest.size());
    std::string_view word = rest.substr(0, end);
    rest.remove_prefix(end);
    const std::uint64_t value = next_number(word).value_or(0);
    if (field == 4) p.parent = static_cast<std::int32_t>(value);
    if (field == 14 || field == 15) p.own_ticks += value;
    if (field == 16 || field == 17) p.children_ticks += value;
    if (field == 20) p.threads = value;
    if (field == 22) p.start_ticks = value;
    if (field == 24) p.resident_pages = value;
  }
  return p;
}

bool reset_peak_resident() noexcept {
  const int fd = ::open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool done = ::write(fd, "5", 1) == 1;
  ::close(fd);
  return done;
}

std::optional<std::int64_t> process_cpu_ns(std::int32_t pid) noexcept {
  // As clock_getcpuclockid makes it: scheduler clock 2 (Linux include/linux/posix-timers.h).
  return clock_ns(static_cast<clockid_t>((~static_cast<unsigned>(pid) << 3) | 2U));
}

std::optional<std::int64_t> thread_cpu_ns(std::int32_t tid) noexcept {
  // The same with the per-thread bit 4.
  return clock_ns(static_cast<clockid_t>((~static_cast<unsigned>(tid) << 3) | 6U));
}

std::int32_t this_tid() noexcept {
  thread_local const std::int32_t tid = ::gettid();
  return tid;
}

}  // namespace haywatt::meter
