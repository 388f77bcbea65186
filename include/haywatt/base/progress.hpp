/// A progress bar for people: one line on standard error, redrawn in place, with the time left. Silent when standard
/// error is not a terminal and at log level Quiet, so that pipes and batch logs stay clean.
#pragma once
#include <chrono>
#include <mutex>
#include <string>
#include <string_view>

namespace haywatt {

/// Thread-safe. One at a time is drawn; messages of haywatt/base/log.hpp push it away and it comes back with the next
/// update. The line is erased by the destructor.
class Progress {
 public:
  /// `title` is what is being done ("compress jets.npz"); `fd` is where to draw, standard error unless tested.
  explicit Progress(std::string title, int fd = 2);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  [[nodiscard]] bool visible() const { return visible_; }
  /// `share` of the work done, 0..1, from which the time left is reckoned; `item` is what runs now ("3/40 zstd").
  /// Draws at most ten times a second.
  void update(double share, std::string_view item = {});

 private:
  void draw(double share, std::string_view item);
  std::string title_;
  int fd_;
  bool visible_;
  std::chrono::steady_clock::time_point start_, last_{};
  std::mutex mutex_;
};

/// The text of the bar, at most `width` characters: title, bar, percentage, item, time left ("0:42 left"). Pure.
[[nodiscard]] std::string progress_line(std::string_view title, double share, std::string_view item, double elapsed_s,
                                        int width);

}  // namespace haywatt
