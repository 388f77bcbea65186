#include "meter/tree/sleep.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>

#include "meter/tree/streams.hpp"

namespace haywatt::meter {

void Sleep::watch_marks(int link) {
  link_ = link;
  registered_ = ::epoll_create1(EPOLL_CLOEXEC);
  for (const int file : {signals_, link_}) {
    epoll_event event{};
    event.events = EPOLLIN;
    if (registered_ < 0 || ::epoll_ctl(registered_, EPOLL_CTL_ADD, file, &event) == 0) continue;
    ::close(registered_);
    registered_ = -1;
  }
}

Sleep::~Sleep() {
  if (registered_ >= 0) ::close(registered_);
}

bool Sleep::wait(std::int64_t left_ns, bool marks, std::span<const pollfd> streams) {
  left_ns = std::max<std::int64_t>(0, left_ns);
  const timespec timeout{left_ns / 1'000'000'000, left_ns % 1'000'000'000};
  const bool any_stream = std::any_of(streams.begin(), streams.end(), [](const pollfd& f) { return f.fd >= 0; });
  if (registered_ >= 0 && marks && !any_stream) {
    epoll_event event{};
    const int came = ::epoll_pwait2(registered_, &event, 1, &timeout, nullptr);
    if (came >= 0 || errno != ENOSYS) return came == 0;
    ::close(registered_);
    registered_ = -1;
  }
  std::array<pollfd, 2 + ProgramStreams::most_polled> files{};
  files.fill({-1, 0, 0});
  files[0] = {signals_, POLLIN, 0};
  files[1] = {marks ? link_ : -1, POLLIN, 0};
  const std::size_t more = std::min(streams.size(), files.size() - 2);
  std::copy_n(streams.begin(), more, files.begin() + 2);
  return ::ppoll(files.data(), any_stream ? 2 + more : 2, &timeout, nullptr) == 0;
}

}  // namespace haywatt::meter
