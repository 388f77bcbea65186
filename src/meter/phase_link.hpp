/// How a program of any language tells the meter in which phase it is: lines written to a FIFO (docs/phases.md).
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace haywatt::meter {

/// One border of a phase as a program announced it.
struct PhaseMark {
  /// End: the innermost open phase of that name on that thread, or of any name if the name is empty; ignored if there
  /// is none. Switch: the innermost open phase ends, if there is one, and `phase` begins, unless it is empty.
  enum class Kind { Begin, End, Switch };
  std::string phase;
  Kind kind = Kind::Begin;
  std::int64_t wall_ns = 0;         ///< CLOCK_MONOTONIC; 0: not told
  std::int64_t thread_cpu_ns = -1;  ///< CLOCK_THREAD_CPUTIME_ID of the announcing thread; -1: not told
  std::int32_t pid = 0, tid = 0;    ///< as the program sees itself; 0: not told (then the program as a whole is meant)
};

inline constexpr std::size_t longest_phase_line = 4096;  ///< PIPE_BUF of Linux: so much is written in one piece
inline constexpr std::size_t longest_phase_name = 200;   ///< bytes
inline constexpr std::size_t most_phase_names = 1000;
/// What every name beyond most_phase_names is called.
inline constexpr std::string_view further_phases = "further phases";

/// A line without its newline, or nothing if it is not one of the protocol's. Pure. Clocks are taken as they stand.
[[nodiscard]] std::optional<PhaseMark> parse_phase_line(std::string_view line);

/// Whether a text may name a phase: 1 to longest_phase_name bytes of UTF-8 without control characters.
[[nodiscard]] bool is_phase_name(std::string_view name);

/// At most most_phase_names distinct names; the others are called further_phases, so that a program that numbers its
/// phases cannot fill the meter's memory.
class PhaseNames {
 public:
  /// The name under which `name` is kept. Empty stays empty.
  [[nodiscard]] std::string keep(std::string name);

 private:
  std::set<std::string, std::less<>> known_;
};

/// Owns the FIFO. Not thread-safe. A copy of it in a forked child removes nothing.
class PhaseLink {
 public:
  /// Makes a private folder (mode 0700) with the FIFO in it under $XDG_RUNTIME_DIR, $TMPDIR or /tmp, the first that can
  /// be written. Error(System) if none can.
  PhaseLink();
  ~PhaseLink();  ///< removes both
  PhaseLink(const PhaseLink&) = delete;
  PhaseLink& operator=(const PhaseLink&) = delete;

  /// The value of the environment variable HAYWATT_PHASES for the program: the path of the FIFO.
  [[nodiscard]] std::string environment() const { return fifo_; }
  /// To poll: readable when marks wait. Close-on-exec, non-blocking.
  [[nodiscard]] int fd() const { return fd_; }
  /// Marks that came since the last call, in the order in which they were written; at most about 1 MiB of lines a call,
  /// so that no program can keep the meter busy here: if more wait, fd() stays readable. Never blocks. A time of the
  /// future or before this object counts as not told.
  [[nodiscard]] std::vector<PhaseMark> take();
  /// Lines that were not understood.
  [[nodiscard]] std::uint64_t lost() const { return lost_; }

 private:
  void take_line(std::string_view line, std::int64_t now_ns, std::vector<PhaseMark>& marks);
  std::string folder_, fifo_;
  int fd_ = -1;
  pid_t owner_ = 0;
  std::int64_t opened_ns_ = 0;
  std::string rest_;       ///< the beginning of a line whose end has not come yet
  bool skipping_ = false;  ///< inside a line that is too long
  std::uint64_t lost_ = 0;
  PhaseNames names_;
};

}  // namespace haywatt::meter
