#include "meter/tree/streams.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "haywatt/base/error.hpp"

namespace haywatt::meter {
namespace {

constexpr std::size_t most_held = 65'536;
constexpr std::size_t at_once = 4'096;  ///< PIPE_BUF: a pipe that can be written takes so much without waiting
constexpr std::size_t words_kept = 4'096;

void close_fd(int& fd) {
  if (fd >= 0) ::close(fd);
  fd = -1;
}

int opened(const std::string& path, int how) {
  const int fd = ::open(path.c_str(), how | O_CLOEXEC, 0666);
  if (fd < 0) fail_errno("cannot open " + path + " for the program", errno);
  return fd;
}

std::array<int, 2> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) fail_errno("cannot pass the program's output on: pipe", errno);
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);  // our end alone: the program's stays as pipes are
  return ends;
}

/// {ours, the program's}, or {-1, -1} where no terminal can be made.
std::array<int, 2> make_terminal_like(int model) {
  std::array<int, 2> ends = {::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), -1};
  if (ends[0] < 0) return ends;
  std::array<char, 64> name{};
  if (::grantpt(ends[0]) != 0 || ::unlockpt(ends[0]) != 0 || ::ptsname_r(ends[0], name.data(), name.size()) != 0 ||
      (ends[1] = ::open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC)) < 0) {
    ::close(ends[0]);
    return {-1, -1};
  }
  termios settings{};
  if (::tcgetattr(model, &settings) == 0) {
    settings.c_oflag &= ~static_cast<tcflag_t>(OPOST);  // the real terminal turns newlines into what it needs
    ::tcsetattr(ends[1], TCSANOW, &settings);
  }
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  return ends;
}

}  // namespace

PassedStream::PassedStream(int to) : to_(to), held_(most_held) {
  std::array<int, 2> ends = {-1, -1};
  if (::isatty(to_) != 0) ends = make_terminal_like(to_);
  terminal_ = ends[0] >= 0;
  if (!terminal_) ends = make_pipe();
  source_ = ends[0];
  program_end_ = ends[1];
  resize();
}

PassedStream::~PassedStream() {
  close_fd(program_end_);
  close_source();
}

void PassedStream::close_source() { close_fd(source_); }
void PassedStream::started() { close_fd(program_end_); }

void PassedStream::resize() const {
  winsize size{};
  if (terminal_ && source_ >= 0 && ::ioctl(to_, TIOCGWINSZ, &size) == 0) ::ioctl(source_, TIOCSWINSZ, &size);
}

void PassedStream::poll_on(pollfd* two) const {
  two[0] = {end_ < held_.size() ? source_ : -1, POLLIN, 0};
  two[1] = {holds() ? to_ : -1, POLLOUT, 0};
}

void PassedStream::take(const std::function<void(std::string_view)>& seen) {
  more_ = false;
  while (source_ >= 0 && end_ < held_.size()) {
    const ssize_t n = ::read(source_, held_.data() + end_, held_.size() - end_);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {  // a terminal that nobody has open any more answers EIO
      close_source();
      return;
    }
    seen({held_.data() + end_, static_cast<std::size_t>(n)});
    end_ += static_cast<std::size_t>(n);
  }
  more_ = source_ >= 0;
}

void PassedStream::pass() {
  while (holds()) {
    pollfd file{to_, POLLOUT, 0};
    if (::poll(&file, 1, 0) <= 0) return;
    const ssize_t n = ::write(to_, held_.data() + begin_, std::min(at_once, end_ - begin_));
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (n < 0) {
      begin_ = end_ = 0;
      close_source();
      return;
    }
    begin_ += static_cast<std::size_t>(n);
  }
  begin_ = end_ = 0;
}

ProgramStreams::ProgramStreams(const ProgramOptions& options, bool through) : output_is_read_(through) {
  const auto kind = options.streams;
  try {
    if (!options.input_file.empty()) files_[0] = opened(options.input_file, O_RDONLY);
    if (!options.output_file.empty()) files_[1] = opened(options.output_file, O_WRONLY | O_CREAT | O_TRUNC);
  } catch (...) {
    close_fd(files_[0]);
    throw;
  }
  if (kind == ProgramOptions::Streams::Discard) {
    nothing_ = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nothing_ < 0) fail_errno("cannot open /dev/null", errno);
    const auto ends = make_pipe();
    words_from_ = ends[0];
    words_end_ = ends[1];
  }
  if (!through) return;
  if (kind == ProgramOptions::Streams::Inherit) {
    passed_[0] = std::make_unique<PassedStream>(1);
    passed_[1] = std::make_unique<PassedStream>(2);
  }
}

ProgramStreams::~ProgramStreams() {
  for (int* fd : {&files_[0], &files_[1], &nothing_, &words_from_, &words_end_}) close_fd(*fd);
}

std::array<int, 3> ProgramStreams::for_program() const {
  std::array<int, 3> all = {-1, -1, -1};
  if (nothing_ >= 0) all = {nothing_, output_is_read_ ? words_end_ : nothing_, words_end_};
  if (passed_[0]) all = {-1, passed_[0]->program_end(), passed_[1]->program_end()};
  if (files_[0] >= 0) all[0] = files_[0];
  if (files_[1] >= 0) all[1] = files_[1];
  return all;
}

void ProgramStreams::started() {
  close_fd(files_[0]);
  close_fd(files_[1]);
  close_fd(nothing_);
  close_fd(words_end_);
  for (auto& p : passed_)
    if (p) p->started();
}

void ProgramStreams::poll_on(std::array<pollfd, most_polled>& files) const {
  files.fill({-1, 0, 0});
  files[0] = {words_from_, POLLIN, 0};
  for (std::size_t i = 0; i < passed_.size(); ++i)
    if (passed_.at(i)) passed_.at(i)->poll_on(&files.at(1 + 2 * i));
}

void ProgramStreams::move(const std::function<void(std::string_view, int)>& seen) {
  std::array<char, at_once> piece{};
  // Not more than 1 MiB a time: a program that never stops writing must not keep us here.
  for (int i = 0; words_from_ >= 0 && i < 256; ++i) {
    const ssize_t n = ::read(words_from_, piece.data(), piece.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) break;
    if (n <= 0) {
      close_fd(words_from_);
      break;
    }
    words_.append(piece.data(), static_cast<std::size_t>(n));
    if (words_.size() > 2 * words_kept) words_.erase(0, words_.size() - words_kept);
    seen({piece.data(), static_cast<std::size_t>(n)}, 2);
  }
  for (auto& p : passed_) {
    if (!p) continue;
    p->take([&](std::string_view bytes) { seen(bytes, p->to()); });
    p->pass();
  }
}

bool ProgramStreams::pending() const {
  return std::any_of(passed_.begin(), passed_.end(), [](const auto& p) { return p && p->pending(); });
}

void ProgramStreams::resize() const {
  for (const auto& p : passed_)
    if (p) p->resize();
}

std::string ProgramStreams::last_words() const {
  return words_.size() <= words_kept ? words_ : words_.substr(words_.size() - words_kept);
}

}  // namespace haywatt::meter
