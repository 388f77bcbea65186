/// What the kernel says about this process and this machine (Linux Documentation/filesystems/proc.rst).
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace haywatt::meter {

/// A small file of /proc kept open and read again and again. Not thread-safe.
class ProcFile {
 public:
  explicit ProcFile(const char* path);
  ~ProcFile();
  ProcFile(const ProcFile&) = delete;
  ProcFile& operator=(const ProcFile&) = delete;
  /// Its first bytes, empty if it cannot be read; valid until the next call.
  [[nodiscard]] std::string_view text() noexcept;

 private:
  int fd_ = -1;
  std::array<char, 4096> buffer_{};
};

struct IoCounts {
  std::uint64_t read_B = 0, written_B = 0;
};

/// The next unsigned number in `text`, which is cut off up to its end.
[[nodiscard]] std::optional<std::uint64_t> next_number(std::string_view& text);
/// The number behind `key` where that begins a line.
[[nodiscard]] std::optional<std::uint64_t> number_after(std::string_view text, std::string_view key);
/// A whole file of /proc or of a control group, empty if it cannot be read; at most 1 MiB.
[[nodiscard]] std::string slurp(const char* path);

/// Resident bytes from the text of /proc/self/statm.
[[nodiscard]] std::optional<std::uint64_t> resident_B(std::string_view statm);
/// rchar and wchar from the text of /proc/self/io: bytes moved by read and write calls.
[[nodiscard]] std::optional<IoCounts> io_counts(std::string_view io);
/// VmHWM from /proc/self/status, in bytes.
[[nodiscard]] std::optional<std::uint64_t> peak_resident_B(std::string_view status);
/// The signals that a process ignores, bit N-1 for signal N, from the text of /proc/PID/status.
[[nodiscard]] std::optional<std::uint64_t> ignored_signals(std::string_view status);
/// Seconds that the CPUs of the machine were busy since boot, from the text of /proc/stat: user, nice, system, irq,
/// softirq; time stolen by a hypervisor is not in it.
[[nodiscard]] std::optional<double> machine_busy_s(std::string_view stat, long ticks_per_s);

/// Sets VmHWM back to the present value (clear_refs "5"). False where the kernel does not permit it.
[[nodiscard]] bool reset_peak_resident() noexcept;
/// CPU seconds that a hypervisor took from this machine since boot, from the text of /proc/stat.
[[nodiscard]] std::optional<double> stolen_s(std::string_view stat, long ticks_per_s);

/// What /proc/PID/stat tells of a process.
struct ProcessStat {
  char state = '?';
  std::int32_t parent = 0;
  std::uint64_t own_ticks = 0;       ///< CPU: utime + stime
  std::uint64_t children_ticks = 0;  ///< CPU of children that it waited for: cutime + cstime
  std::uint64_t threads = 0, start_ticks = 0;
  std::uint64_t resident_pages = 0;
  std::string_view name;  ///< in the text that was read
};
[[nodiscard]] std::optional<ProcessStat> process_stat(std::string_view stat);

/// CPU time of a whole process by its number, children not included; empty if it is gone.
[[nodiscard]] std::optional<std::int64_t> process_cpu_ns(std::int32_t pid) noexcept;
/// CPU time of a thread of this process by its kernel number; empty if it has ended.
[[nodiscard]] std::optional<std::int64_t> thread_cpu_ns(std::int32_t tid) noexcept;
/// Kernel number of the calling thread.
[[nodiscard]] std::int32_t this_tid() noexcept;

}  // namespace haywatt::meter
