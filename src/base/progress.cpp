#include "haywatt/base/progress.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "haywatt/base/log.hpp"

namespace haywatt {
namespace {

constexpr std::string_view erase_line = "\r\x1b[K";

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n <= 0) return;  // a bar that cannot be drawn is no reason to stop the work
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

int terminal_width(int fd) {
  struct winsize size {};
  return ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::string clock_text(double seconds) {
  const auto s = static_cast<long>(std::lround(std::min(seconds, 359999.0)));
  if (s >= 3600) return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
  return fmt::format("{}:{:02}", s / 60, s % 60);
}

}  // namespace

std::string progress_line(std::string_view title, double share, std::string_view item, double elapsed_s, int width) {
  constexpr int cells = 20;
  share = std::isfinite(share) ? std::clamp(share, 0.0, 1.0) : 0.0;
  const int full = static_cast<int>(share * cells);
  std::string line = fmt::format("{} [{}{}] {:3.0f}%", title, std::string(static_cast<std::size_t>(full), '='),
                                 std::string(static_cast<std::size_t>(cells - full), ' '), std::floor(share * 100.0));
  // Reckoned from little, the time left would jump about and mislead.
  if (share >= 0.01 && elapsed_s >= 0.5) line += fmt::format(" {} left", clock_text(elapsed_s * (1.0 - share) / share));
  if (!item.empty()) line += fmt::format("  {}", item);
  if (width > 0 && line.size() > static_cast<std::size_t>(width)) line.resize(static_cast<std::size_t>(width));
  return line;
}

Progress::Progress(std::string title, int fd)
    : title_(std::move(title)),
      fd_(fd),
      visible_(::isatty(fd) == 1 && log::level() != log::Level::Quiet),
      start_(std::chrono::steady_clock::now()) {
  if (visible_) log::set_bar(true);
}

Progress::~Progress() {
  if (!visible_) return;
  write_all(fd_, erase_line);
  log::set_bar(false);
}

void Progress::update(double share, std::string_view item) {
  if (!visible_) return;
  const std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  if (now - last_ < std::chrono::milliseconds(100) && share < 1.0) return;
  last_ = now;
  draw(share, item);
}

void Progress::draw(double share, std::string_view item) {
  const double elapsed_s = std::chrono::duration<double>(last_ - start_).count();
  // The last column stays free: many terminals wrap when it is written.
  const std::string line = progress_line(title_, share, item, elapsed_s, terminal_width(fd_) - 1);
  write_all(fd_, std::string(erase_line) + line);
}

}  // namespace haywatt
