#include "trace/sampling/perf_ring.hpp"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <ctime>

#include "trace/sampling/perf_registers.hpp"

namespace haywatt::trace {
namespace {

constexpr std::size_t page_B = 4096;  // only the buffer's header; its place follows the real size

std::size_t page_size() { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }

}  // namespace

perf_event_attr perf_attributes(const SamplingOptions& options, PerfScope scope) {
  perf_event_attr a{};
  a.size = sizeof a;
  a.type = PERF_TYPE_SOFTWARE;
  a.config = PERF_COUNT_SW_CPU_CLOCK;
  a.sample_period = static_cast<std::uint64_t>(std::llround(1e9 / options.rate_Hz));
  a.sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER;
  if (scope == PerfScope::Machine) {
    a.exclude_idle = 1;
  } else {
    a.disabled = 1;
    a.inherit = 1;
    a.inherit_stat = 1;  // a thread's CPU time when it ends: some are too short to be sampled
    a.enable_on_exec = 1;
  }
  a.exclude_hv = 1;
  a.exclude_kernel = scope == PerfScope::UserCode ? 1 : 0;
  if (scope != PerfScope::UserCode) {
    a.sample_type |= PERF_SAMPLE_CALLCHAIN;
    a.exclude_callchain_user = 1;
  }
  a.mmap = a.mmap2 = 1;
  a.comm = a.comm_exec = 1;
  a.task = 1;
  a.sample_id_all = 1;
  a.use_clockid = 1;
  a.clockid = CLOCK_MONOTONIC;
  a.sample_regs_user = perf_register_mask;
  a.sample_stack_user = static_cast<std::uint32_t>(std::min<std::size_t>(options.stack_B, 60 << 10) / 8 * 8);
  a.watermark = 1;
  return a;
}

PerfRing::PerfRing(const perf_event_attr& attributes, PerfScope scope, int cpu, std::size_t buffer_B)
    : buffer_B_(buffer_B) {
  perf_event_attr a = attributes;
  a.wakeup_watermark = static_cast<std::uint32_t>(buffer_B / 2);
  const pid_t whose = scope == PerfScope::Machine ? -1 : 0;
  fd_ = static_cast<int>(::syscall(SYS_perf_event_open, &a, whose, cpu, -1, PERF_FLAG_FD_CLOEXEC));
  if (fd_ < 0) {
    error_ = errno;
    return;
  }
  void* map = ::mmap(nullptr, page_size() + buffer_B, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
  if (map == MAP_FAILED) {
    error_ = errno;
    return;
  }
  map_ = static_cast<std::byte*>(map);
  owner_ = ::getpid();
}

PerfRing::~PerfRing() {
  // The kernel leaves this mapping out of forked children: there something else may lie in its place.
  if (map_ != nullptr && ::getpid() == owner_) ::munmap(map_, page_size() + buffer_B_);
  if (fd_ >= 0) ::close(fd_);
}

void PerfRing::take(std::vector<PerfRecord>& out) {
  static_assert(sizeof(perf_event_mmap_page) <= page_B);
  auto* page = reinterpret_cast<perf_event_mmap_page*>(map_);
  const std::byte* data = map_ + page_size();
  const std::uint64_t head = std::atomic_ref(page->data_head).load(std::memory_order_acquire);
  std::uint64_t tail = page->data_tail;
  const auto copy = [&](std::uint64_t from, void* to, std::size_t size) {
    const std::size_t at = from % buffer_B_, first = std::min(size, buffer_B_ - at);
    std::memcpy(to, data + at, first);
    std::memcpy(static_cast<std::byte*>(to) + first, data, size - first);
  };
  while (head - tail >= sizeof(perf_event_header)) {
    perf_event_header header;
    copy(tail, &header, sizeof header);
    if (header.size < sizeof header || header.size > head - tail) break;
    PerfRecord record;
    record.bytes.resize(header.size);
    copy(tail, record.bytes.data(), header.size);
    record.time_ns = time_of(record);
    out.push_back(std::move(record));
    tail += header.size;
  }
  std::atomic_ref(page->data_tail).store(head, std::memory_order_release);
}

std::uint64_t time_of(const PerfRecord& record) {
  // A sample: header, address, process and thread, time. Others end with process and thread, time (sample_id_all).
  const std::size_t at = record.header().type == PERF_RECORD_SAMPLE ? sizeof(perf_event_header) + 16
                                                                    : record.bytes.size() - sizeof(std::uint64_t);
  std::uint64_t time = 0;
  if (record.bytes.size() >= sizeof(perf_event_header) + 24) std::memcpy(&time, record.bytes.data() + at, sizeof time);
  return time;
}

}  // namespace haywatt::trace
