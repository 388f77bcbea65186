/// Phases read off what a program prints anyway (`--phases-from REGEX`): docs/phases.md.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "meter/phase_link.hpp"

namespace re2 {
class RE2;
}

namespace haywatt::meter {

/// Lines that match begin a phase; it lasts until another line matches. RE2 syntax: every match takes time linear in
/// the line, so no expression and no output can hold the meter up. Not thread-safe.
class OutputPhases {
 public:
  /// Error(Usage) on an expression that RE2 does not accept, or with more than 16 groups.
  explicit OutputPhases(const std::string& regex);
  ~OutputPhases();
  OutputPhases(const OutputPhases&) = delete;
  OutputPhases& operator=(const OutputPhases&) = delete;

  /// What the program wrote to a stream (1: output, 2: errors; they are cut into lines apart), in pieces as they come.
  /// A carriage return ends a line too: progress bars. Of a line, the first longest_output_line bytes are looked at.
  /// Marks are of kind Switch, without times, pid and tid. The name is the group called `phase`, or else the first
  /// group that there is, or else the whole match; blanks around it and colours (ANSI sequences) are dropped, control
  /// characters and broken UTF-8 become '?', and it is cut to longest_phase_name bytes. An empty one means: no phase.
  [[nodiscard]] std::vector<PhaseMark> feed(std::string_view bytes, int stream);

 private:
  void match(std::string_view line, std::vector<PhaseMark>& marks);
  std::unique_ptr<re2::RE2> regex_;
  int first_group_ = 1, last_group_ = 0;  ///< the first of these that took part in the match is the name
  std::array<std::string, 2> rest_;
  std::string present_;
  PhaseNames names_;
};

inline constexpr std::size_t longest_output_line = 4096;

}  // namespace haywatt::meter
