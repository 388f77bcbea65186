/// The program's standard streams, where they do not simply stay ours: discarded, or passed on and read on the way.
#pragma once
#include <poll.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "haywatt/meter/program_meter.hpp"

namespace haywatt::meter {

/// A stream of the program on its way through us. Never waits; when the reader behind us does not take what we hold
/// (64 KiB), we take no more, and the program waits as it would for that reader itself.
class PassedStream {
 public:
  /// `to`: our descriptor of that number, 1 or 2. A terminal is stood in for by one of the same size and settings.
  explicit PassedStream(int to);
  ~PassedStream();
  PassedStream(const PassedStream&) = delete;
  PassedStream& operator=(const PassedStream&) = delete;

  [[nodiscard]] int program_end() const { return program_end_; }
  void started();  ///< the program has its end
  /// Two places to poll: reading and writing.
  void poll_on(pollfd* two) const;
  /// Takes what is there; `seen` is told of it.
  void take(const std::function<void(std::string_view)>& seen);
  /// Writes on as much as the reader takes now. A reader that is gone makes the program's writes fail, as without us.
  void pass();
  /// Something is held, or there was more to take than could be held.
  [[nodiscard]] bool pending() const { return holds() || more_; }
  [[nodiscard]] int to() const { return to_; }
  [[nodiscard]] bool is_terminal() const { return terminal_; }
  void resize() const;  ///< the terminal has another size now

 private:
  [[nodiscard]] bool holds() const { return begin_ < end_; }
  void close_source();
  int to_, source_ = -1, program_end_ = -1;
  bool terminal_ = false, more_ = false;
  std::vector<char> held_;
  std::size_t begin_ = 0, end_ = 0;
};

/// All of them. Not thread-safe.
class ProgramStreams {
 public:
  /// `through`: pass output and errors through us. The files of `options` come before either.
  ProgramStreams(const ProgramOptions& options, bool through);
  ~ProgramStreams();
  ProgramStreams(const ProgramStreams&) = delete;
  ProgramStreams& operator=(const ProgramStreams&) = delete;

  [[nodiscard]] std::array<int, 3> for_program() const;
  void started();
  static constexpr std::size_t most_polled = 5;
  void poll_on(std::array<pollfd, most_polled>& files) const;  ///< unused places get the descriptor -1
  /// Takes and passes on; `seen(bytes, stream)` is told of everything taken, before it is passed on.
  void move(const std::function<void(std::string_view, int)>& seen);
  [[nodiscard]] bool pending() const;
  void resize() const;
  /// The end of what a discarded error stream said, at most 4 KiB.
  [[nodiscard]] std::string last_words() const;

 private:
  std::array<std::unique_ptr<PassedStream>, 2> passed_;
  std::array<int, 2> files_ = {-1, -1};
  bool output_is_read_;  ///< with Discard: standard output is read as standard error is
  int nothing_ = -1, words_from_ = -1, words_end_ = -1;
  std::string words_;
};

}  // namespace haywatt::meter
