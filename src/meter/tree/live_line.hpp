/// One line on a terminal that says how the program is doing.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "meter/run_energy.hpp"

namespace haywatt::meter {

struct LiveState {
  double elapsed_s = 0.0, cpu_s = 0.0;
  std::uint64_t rss_B = 0;
  std::string phase;
};

/// On standard error, at most four times a second; nothing where that is no terminal. Erased by the destructor.
class LiveLine {
 public:
  LiveLine();
  ~LiveLine();
  LiveLine(const LiveLine&) = delete;
  LiveLine& operator=(const LiveLine&) = delete;
  [[nodiscard]] bool visible() const { return visible_; }
  [[nodiscard]] bool is_due(std::int64_t now_ns) const { return visible_ && now_ns >= next_ns_; }
  void draw(const LiveState& state, const MeteredRun& so_far);
  /// The program is about to write this to the terminal: the line makes way, and comes back behind a newline.
  void written(std::string_view bytes);

 private:
  void erase();
  bool visible_, drawn_ = false, at_line_start_ = true;
  std::int64_t next_ns_ = 0, energy_until_ns_ = 0;
  double last_elapsed_s_ = 0.0, last_cpu_s_ = 0.0;
  double joules_ = 0.0, watts_ = 0.0;
};

/// The text, at most `width` characters. Pure.
[[nodiscard]] std::string live_text(const LiveState& state, double cores, double joules, double watts, int width);

}  // namespace haywatt::meter
