#include "meter/process_files.hpp"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <charconv>

namespace haywatt::meter {
namespace {

/// The next unsigned number in `text`, which is cut off up to its end.
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

}  // namespace

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

std::optional<double> machine_busy_s(std::string_view stat, long ticks_per_s) {
  if (!stat.starts_with("cpu ") || ticks_per_s <= 0) return std::nullopt;
  stat.remove_prefix(4);
  std::array<std::uint64_t, 7> t{};  // user nice system idle iowait irq softirq
  for (auto& value : t) {
    const auto n = next_number(stat);
    if (!n) return std::nullopt;
    value = *n;
  }
  return static_cast<double>(t[0] + t[1] + t[2] + t[5] + t[6]) / static_cast<double>(ticks_per_s);
}

bool reset_peak_resident() noexcept {
  const int fd = ::open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool done = ::write(fd, "5", 1) == 1;
  ::close(fd);
  return done;
}

std::optional<std::int64_t> thread_cpu_ns(std::int32_t tid) noexcept {
  // As pthread_getcpuclockid makes it: per-thread bit 4, scheduler clock 2 (Linux include/linux/posix-timers.h).
  const auto clock = static_cast<clockid_t>((~static_cast<unsigned>(tid) << 3) | 6U);
  timespec t{};
  if (clock_gettime(clock, &t) != 0) return std::nullopt;
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

std::int32_t this_tid() noexcept {
  thread_local const std::int32_t tid = ::gettid();
  return tid;
}

}  // namespace haywatt::meter
