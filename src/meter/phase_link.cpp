#include "meter/phase_link.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <ctime>
#include <initializer_list>

#include "haywatt/base/error.hpp"

namespace haywatt::meter {
namespace {

constexpr std::size_t most_bytes_a_call = std::size_t{1} << 20;
constexpr std::array fifo_sizes{1 << 20, 1 << 18};  // bytes; what an unprivileged user may ask for is usually 1 MiB

std::int64_t monotonic_ns() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

bool is_blank(char c) { return c == ' ' || c == '\t'; }

void skip_blanks(std::string_view& text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
}

std::string_view take_word(std::string_view& text) {
  const auto end = std::find_if(text.begin(), text.end(), is_blank);
  const std::string_view word = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(word.size());
  return word;
}

/// "…" with \" and \\ inside; nothing if it does not end, or does not end at a blank.
std::optional<std::string> take_quoted(std::string_view& text) {
  std::string name;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      text.remove_prefix(i + 1);
      if (!text.empty() && !is_blank(text.front())) return std::nullopt;
      return name;
    }
    if (text[i] == '\\' && ++i == text.size()) return std::nullopt;
    name += text[i];
  }
  return std::nullopt;
}

/// Bytes of the UTF-8 sequence that begins the text (RFC 3629), 0 if it is not one.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xc2 && first <= 0xdf   ? 2
                             : (first & 0xf0) == 0xe0         ? 3
                             : first >= 0xf0 && first <= 0xf4 ? 4
                                                              : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  const unsigned char second = byte(1);
  const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool beyond = (first == 0xed && second > 0x9f) || (first == 0xf4 && second > 0x8f);
  return overlong || beyond ? 0 : length;
}

template <class T>
bool parse_number(std::string_view text, T& value) {
  T parsed = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), parsed);
  if (error != std::errc() || end != text.data() + text.size() || parsed < 0) return false;
  value = parsed;
  return true;
}

/// `key=value`; keys that are not known are passed over, so that the protocol can grow.
bool take_field(std::string_view word, PhaseMark& mark) {
  const std::size_t equals = word.find('=');
  if (equals == 0 || equals == std::string_view::npos) return false;
  const std::string_view key = word.substr(0, equals), value = word.substr(equals + 1);
  if (key == "t") return parse_number(value, mark.wall_ns);
  if (key == "cpu") return parse_number(value, mark.thread_cpu_ns);
  if (key == "pid") return parse_number(value, mark.pid);
  if (key == "tid") return parse_number(value, mark.tid);
  return true;
}

}  // namespace

bool is_phase_name(std::string_view name) {
  if (name.empty() || name.size() > longest_phase_name) return false;
  while (!name.empty()) {
    const auto first = static_cast<unsigned char>(name.front());
    if (first < 0x20 || first == 0x7f) return false;
    const std::size_t length = utf8_length(name);
    if (length == 0) return false;
    name.remove_prefix(length);
  }
  return true;
}

std::optional<PhaseMark> parse_phase_line(std::string_view line) {
  PhaseMark mark;
  skip_blanks(line);
  const std::string_view verb = take_word(line);
  if (verb == "begin")
    mark.kind = PhaseMark::Kind::Begin;
  else if (verb == "end")
    mark.kind = PhaseMark::Kind::End;
  else if (verb == "phase")
    mark.kind = PhaseMark::Kind::Switch;
  else
    return std::nullopt;
  skip_blanks(line);
  if (!line.empty() && line.front() == '"') {
    std::optional<std::string> name = take_quoted(line);
    if (!name) return std::nullopt;
    mark.phase = std::move(*name);
  } else if (std::string_view after = line; take_word(after).find('=') == std::string_view::npos) {
    mark.phase = take_word(line);  // a name with '=' in it has to be quoted
  }
  const bool may_be_empty = mark.kind != PhaseMark::Kind::Begin;
  if (!is_phase_name(mark.phase) && !(mark.phase.empty() && may_be_empty)) return std::nullopt;
  for (skip_blanks(line); !line.empty(); skip_blanks(line))
    if (!take_field(take_word(line), mark)) return std::nullopt;
  return mark;
}

std::string PhaseNames::keep(std::string name) {
  if (name.empty() || known_.contains(name)) return name;
  if (known_.size() >= most_phase_names) return std::string(further_phases);
  known_.insert(name);
  return name;
}

PhaseLink::PhaseLink() : owner_(getpid()), opened_ns_(monotonic_ns()) {
  int error = 0;
  for (const char* parent :
       std::initializer_list<const char*>{std::getenv("XDG_RUNTIME_DIR"), std::getenv("TMPDIR"), "/tmp"}) {
    if (parent == nullptr || *parent != '/') continue;
    std::string folder = std::string(parent) + "/haywatt-XXXXXX";
    if (mkdtemp(folder.data()) == nullptr) {
      error = errno;
      continue;
    }
    folder_ = folder;
    break;
  }
  if (folder_.empty())
    fail_errno("cannot make a folder for phase marks in /tmp (set TMPDIR to one you may write)", error);
  fifo_ = folder_ + "/phases";
  // Read and write: without a writer of our own, poll() would report the end of every program that had it open.
  if (mkfifo(fifo_.c_str(), 0600) != 0 || (fd_ = open(fifo_.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC)) < 0) {
    error = errno;
    unlink(fifo_.c_str());
    rmdir(folder_.c_str());
    fail_errno("cannot make the FIFO " + fifo_, error);
  }
  for (const int size : fifo_sizes)
    if (fcntl(fd_, F_SETPIPE_SZ, size) >= 0) break;
}

PhaseLink::~PhaseLink() {
  close(fd_);
  if (getpid() != owner_) return;
  unlink(fifo_.c_str());
  rmdir(folder_.c_str());
}

void PhaseLink::take_line(std::string_view line, std::int64_t now_ns, std::vector<PhaseMark>& marks) {
  std::optional<PhaseMark> mark;
  if (line.size() < longest_phase_line) mark = parse_phase_line(line);
  if (!mark) {
    ++lost_;
    return;
  }
  if (mark->wall_ns < opened_ns_ || mark->wall_ns > now_ns) mark->wall_ns = 0;
  if (mark->thread_cpu_ns > now_ns) mark->thread_cpu_ns = -1;
  mark->phase = names_.keep(std::move(mark->phase));
  marks.push_back(std::move(*mark));
}

std::vector<PhaseMark> PhaseLink::take() {
  std::vector<PhaseMark> marks;
  std::array<char, 1 << 16> buffer{};
  for (std::size_t taken = 0; taken < most_bytes_a_call;) {
    const ssize_t got = read(fd_, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    const std::int64_t now_ns = monotonic_ns();
    taken += static_cast<std::size_t>(got);
    std::string_view fresh(buffer.data(), static_cast<std::size_t>(got));
    for (std::size_t end = fresh.find('\n'); end != std::string_view::npos; end = fresh.find('\n')) {
      rest_.append(fresh.substr(0, end));
      if (!skipping_) take_line(rest_, now_ns, marks);
      rest_.clear();
      skipping_ = false;
      fresh.remove_prefix(end + 1);
    }
    if (!skipping_) rest_.append(fresh);
    if (rest_.size() >= longest_phase_line) {  // with its newline it is longer than a write in one piece
      ++lost_;
      skipping_ = true;
      rest_.clear();
    }
  }
  return marks;
}

}  // namespace haywatt::meter
