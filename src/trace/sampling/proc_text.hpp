/// Files of /proc and /sys, whose size is not known before, read with as few calls as there are pieces.
#pragma once
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace haywatt::trace {

/// At most `most` bytes; empty if it cannot be read.
[[nodiscard]] inline std::string proc_text(const char* path, std::size_t most = 1 << 20) {
  std::string text;
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return text;
  std::size_t have = 0;
  while (have < most) {
    if (text.size() - have < 4096) text.resize(text.size() < 4096 ? 4096 : 2 * text.size());
    const ssize_t n = ::read(fd, text.data() + have, text.size() - have);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    have += static_cast<std::size_t>(n);
  }
  ::close(fd);
  text.resize(have < most ? have : most);
  return text;
}

}  // namespace haywatt::trace
