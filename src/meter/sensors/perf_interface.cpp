#include "meter/sensors/perf_interface.hpp"

#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace haywatt::meter {
namespace {

class SystemPerf final : public PerfInterface {
 public:
  int open(std::uint32_t type, std::uint64_t config, int cpu) noexcept override {
    perf_event_attr attributes{};
    attributes.size = sizeof attributes;
    attributes.type = type;
    attributes.config = config;
    const long fd = ::syscall(SYS_perf_event_open, &attributes, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
    return fd < 0 ? -errno : static_cast<int>(fd);
  }
  int read(int handle, std::uint64_t& count) noexcept override {
    const ssize_t n = ::read(handle, &count, sizeof count);
    if (n == static_cast<ssize_t>(sizeof count)) return 0;
    return n < 0 ? errno : EIO;
  }
  void close(int handle) noexcept override { ::close(handle); }
};

}  // namespace

PerfInterface& system_perf() noexcept {
  static SystemPerf perf;
  return perf;
}

}  // namespace haywatt::meter
