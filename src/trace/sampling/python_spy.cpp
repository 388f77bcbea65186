#include "trace/sampling/python_spy.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <ctime>

#include "haywatt/base/text.hpp"
#include "trace/sampling/proc_text.hpp"

namespace haywatt::trace {
namespace {

/// An interpreter that was seen less often is over before a spy has found its way into it.
constexpr int seen_before_spied = 10;
constexpr std::size_t most_spies = 16;
constexpr std::size_t most_output_B = 256 << 20, most_stacks = 200'000, most_frames = 1'000;
constexpr int patience_ms = 5'000;

bool runs(const std::string& path) { return ::access(path.c_str(), X_OK) == 0; }

/// In PATH, or where the interpreter is started from, as it is in a virtual environment.
std::string find_program(pid_t interpreter) {
  const char* path = std::getenv("PATH");
  for (const std::string& folder : split(path != nullptr ? path : "", ':'))
    if (!folder.empty() && runs(folder + "/py-spy")) return folder + "/py-spy";
  const std::string words = proc_text(fmt::format("/proc/{}/cmdline", interpreter).c_str(), 65536);
  const std::string first = words.substr(0, words.find('\0'));
  const auto slash = first.rfind('/');
  if (slash != std::string::npos && first.starts_with('/') && runs(first.substr(0, slash) + "/py-spy"))
    return first.substr(0, slash) + "/py-spy";
  return {};
}

/// A file without a name, and the name that a child of ours may write it under.
int unnamed_file(const char* what) { return ::memfd_create(what, 0); }

std::string contents(int fd) {
  std::string text;
  struct stat status {};
  if (fd < 0 || ::fstat(fd, &status) != 0 || status.st_size <= 0) return text;
  text.resize(std::min<std::size_t>(static_cast<std::size_t>(status.st_size), most_output_B));
  const ssize_t n = ::pread(fd, text.data(), text.size(), 0);
  text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return text;
}

FrameRecord read_frame(std::string_view text) {
  FrameRecord f;
  const auto open = text.rfind(" (");
  if (open == std::string_view::npos || !text.ends_with(')')) {
    f.function = text;
    return f;
  }
  f.function = text.substr(0, open);
  std::string_view place = text.substr(open + 2, text.size() - open - 3);
  const auto colon = place.rfind(':');
  if (colon != std::string_view::npos) {
    const std::string_view digits = place.substr(colon + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), f.line);
    if (error == std::errc{} && end == digits.data() + digits.size())
      place = place.substr(0, colon);
    else
      f.line = 0;
  }
  const auto slash = place.rfind('/');
  const bool is_script = place.ends_with(".py") || place.ends_with(".pyx") || place.starts_with('<');
  f.module = is_script ? "python" : std::string(slash == std::string_view::npos ? place : place.substr(slash + 1));
  if (is_script || f.line > 0) f.file = place;
  if (f.function.starts_with("0x")) f.function = "[unknown]";
  return f;
}

}  // namespace

std::vector<PythonStack> read_py_spy(std::string_view text) {
  std::vector<PythonStack> list;
  while (!text.empty() && list.size() < most_stacks) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const auto blank = line.rfind(' ');
    PythonStack stack;
    if (blank == std::string_view::npos) continue;
    const std::string_view digits = line.substr(blank + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), stack.count);
    if (error != std::errc{} || end != digits.data() + digits.size() || stack.count == 0) continue;
    line = line.substr(0, blank);
    while (!line.empty() && stack.frames.size() < most_frames) {
      const std::string_view frame = line.substr(0, line.find(';'));
      line.remove_prefix(std::min(line.size(), frame.size() + 1));
      if (!frame.empty()) stack.frames.push_back(read_frame(frame));
    }
    if (!stack.frames.empty()) list.push_back(std::move(stack));
  }
  return list;
}

bool is_python(std::string_view path) {
  std::string_view name = path.substr(path.rfind('/') + 1);
  if (name.starts_with("lib")) name.remove_prefix(3);
  return name.starts_with("python") && name.size() > 6 && name[6] >= '2' && name[6] <= '9';
}

PythonSpy::~PythonSpy() {
  for (Spy& s : spies_) end(s);
}

void PythonSpy::saw(pid_t pid) {
  if (missing_ || spies_.size() >= most_spies) return;
  int& seen = seen_[pid];
  if (++seen == seen_before_spied) start(pid);
  if (seen_.size() > 100'000) seen_.clear();
}

void PythonSpy::start(pid_t pid) {
  if (!looked_for_) program_ = find_program(pid);
  looked_for_ = true;
  if (program_.empty()) {
    missing_ = true;
    return;
  }
  Spy spy{pid, -1, unnamed_file("py-spy-output"), unnamed_file("py-spy-messages")};
  const std::string output = fmt::format("/proc/self/fd/{}", spy.output), process = std::to_string(pid);
  const std::string rate = std::to_string(static_cast<int>(std::max(1.0, rate_Hz_)));
  const std::array<const char*, 14> words = {
      program_.c_str(), "record",     "--format", "raw",          "--function", "--nonblocking", "--full-filenames",
      "--rate",         rate.c_str(), "--output", output.c_str(), "--pid",      process.c_str(), nullptr};
  const pid_t self = ::getpid();
  spy.spy = ::fork();
  if (spy.spy == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != self) ::_exit(1);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    const int nothing = ::open("/dev/null", O_RDWR);
    ::dup2(nothing, 0);
    ::dup2(spy.messages, 1);
    ::dup2(spy.messages, 2);
    ::execv(program_.c_str(), const_cast<char* const*>(words.data()));
    ::_exit(127);
  }
  if (spy.spy > 0) spies_.push_back(spy);
}

/// It writes what it saw when the interpreter has ended, or at an interrupt.
void PythonSpy::end(Spy& spy) {
  if (spy.ended) return;
  spy.ended = true;
  const timespec nap{0, 10'000'000};
  for (int waited_ms = 0;; waited_ms += 10) {
    if (::waitpid(spy.spy, nullptr, WNOHANG) != 0) return;
    if (waited_ms == 300) ::kill(spy.spy, SIGINT);
    if (waited_ms >= patience_ms) break;
    ::nanosleep(&nap, nullptr);
  }
  ::kill(spy.spy, SIGKILL);
  ::waitpid(spy.spy, nullptr, 0);
}

std::map<pid_t, std::vector<PythonStack>> PythonSpy::finish(std::vector<std::string>& notes) {
  std::map<pid_t, std::vector<PythonStack>> found;
  std::string message;
  for (Spy& s : spies_) {
    end(s);
    auto stacks = read_py_spy(contents(s.output));
    if (stacks.empty()) {
      for (const std::string& line : split(contents(s.messages), '\n'))
        if (line.starts_with("Error") || line.starts_with("Reason")) message += (message.empty() ? "" : "; ") + line;
    } else {
      found.emplace(s.process, std::move(stacks));
    }
    ::close(s.output);
    ::close(s.messages);
  }
  if (missing_)
    notes.emplace_back("functions of Python are not shown, only those of its interpreter: pip install py-spy");
  else if (found.size() < spies_.size())
    notes.push_back(fmt::format("py-spy saw nothing of {} Python processes{}", spies_.size() - found.size(),
                                message.empty() ? "" : ": " + message.substr(0, 200)));
  spies_.clear();
  return found;
}

}  // namespace haywatt::trace
