#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <map>
#include <optional>

#include "haywatt/base/text.hpp"
#include "trace/sampling/kernel_symbols.hpp"
#include "trace/sampling/perf_registers.hpp"
#include "trace/sampling/perf_ring.hpp"
#include "trace/sampling/proc_text.hpp"
#include "trace/sampling/processes.hpp"
#include "trace/sampling/sampler.hpp"
#include "trace/sampling/stack_collector.hpp"

namespace haywatt::trace {
namespace {

/// A busy machine may leave the reader without a CPU for seconds. Unprivileged users may lock less
/// (kernel.perf_event_mlock_kb: 516 kB a CPU).
constexpr std::array<std::size_t, 3> buffer_sizes_B = {4 << 20, 1 << 20, 512 << 10};
/// A record lies in its buffer at most so long after the time that it bears.
constexpr std::int64_t settled_after_ns = 20'000'000;

std::int64_t monotonic_ns() {
  timespec t{};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

/// Reads a record's members one after the other; after its end all are 0.
class Reader {
 public:
  explicit Reader(const PerfRecord& record) : bytes_(record.bytes), at_(sizeof(perf_event_header)) {}
  template <class T>
  T next() {
    T value{};
    if (bytes_.size() - at_ < sizeof value) {
      at_ = bytes_.size();
      return value;
    }
    std::memcpy(&value, bytes_.data() + at_, sizeof value);
    at_ += sizeof value;
    return value;
  }
  /// At most `size` bytes.
  std::span<const std::byte> bytes(std::uint64_t size) {
    const std::size_t n = std::min<std::uint64_t>(size, bytes_.size() - at_);
    at_ += n;
    return std::span(bytes_).subspan(at_ - n, n);
  }
  /// Up to the next zero.
  std::string text() {
    const auto* from = reinterpret_cast<const char*>(bytes_.data()) + at_;
    return {from, ::strnlen(from, bytes_.size() - at_)};
  }

 private:
  std::span<const std::byte> bytes_;
  std::size_t at_;
};

class PerfSampler final : public Sampler {
 public:
  PerfSampler(const SamplingOptions& options, PerfScope scope)
      : attributes_(perf_attributes(options, scope)), scope_(scope), stacks_(options) {}

  /// errno of the kernel's refusal, or 0.
  int open() {
    int error = ENODEV;
    for (const std::size_t size : buffer_sizes_B) {
      error = open_rings(size);
      if (error == 0) break;
      rings_.clear();
    }
    return error;
  }

  void start(pid_t parent) override { processes_.of(parent); }
  int wait_ms() const override { return 200; }
  void add_descriptors(std::vector<pollfd>& list) const override {
    for (const auto& r : rings_) list.push_back({r->fd(), POLLIN, 0});
  }
  void step() override { take(monotonic_ns() - settled_after_ns); }

  void finish(Sampled& result) override {
    take(INT64_MAX);
    StackProfile& p = result.stacks;
    p.by = "perf_event software clock";
    p.clock = "cpu";
    p.period_s = period_s();
    p.lost = lost_;
    double unsampled_s = 0.0;
    for (const auto& [name, seconds] : unsampled_s_) {
      stacks_.add_without_stack(name, "[too short to be sampled]", 0, seconds);
      unsampled_s += seconds;
    }
    stacks_.finish(result);
    p = with_kernel_names(p);
    if (unsampled_s > 0.05 * (unsampled_s + period_s() * static_cast<double>(p.samples)))
      result.notes.push_back(fmt::format(
          "{} of CPU time are of threads too short to be sampled: --by ptrace sees into them", si(unsampled_s, "s")));
    if (scope_ == PerfScope::UserCode)
      result.notes.emplace_back(
          "time in the kernel is not sampled: kernel.perf_event_paranoid permits programs' own code only");
  }

 private:
  int open_rings(std::size_t buffer_B) {
    for (const int cpu : online_cpus()) {
      auto ring = std::make_unique<PerfRing>(attributes_, scope_, cpu, buffer_B);
      if (ring->error() == ENODEV) continue;  // went offline meanwhile
      if (ring->error() != 0) return ring->error();
      rings_.push_back(std::move(ring));
    }
    return rings_.empty() ? ENODEV : 0;
  }

  static std::vector<int> online_cpus() {
    std::string text = proc_text("/sys/devices/system/cpu/online");
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return cpu_list(text.empty() ? fmt::format("0-{}", ::sysconf(_SC_NPROCESSORS_ONLN) - 1) : text);
  }

  [[nodiscard]] double period_s() const { return 1e-9 * static_cast<double>(attributes_.sample_period); }

  /// Each CPU has its own buffer: records are taken in the order of their times once no earlier one can come.
  void take(std::int64_t settled_ns) {
    for (const auto& r : rings_) r->take(waiting_);
    std::stable_sort(waiting_.begin(), waiting_.end(),
                     [](const auto& a, const auto& b) { return a.time_ns < b.time_ns; });
    std::size_t done = 0;
    while (done < waiting_.size() && static_cast<std::int64_t>(waiting_[done].time_ns) < settled_ns)
      understand(waiting_[done++]);
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(done));
  }

  void understand(const PerfRecord& record) {
    Reader in(record);
    switch (record.header().type) {
      case PERF_RECORD_SAMPLE:
        sample(in);
        break;
      case PERF_RECORD_FORK: {
        const auto pid = in.next<pid_t>(), parent = in.next<pid_t>();
        if (!is_ours(parent)) break;
        if (pid != parent) processes_.forked(pid, parent);
        sampled_threads_.erase(in.next<pid_t>());  // its number may have been another's before
        break;
      }
      case PERF_RECORD_EXIT: {
        const auto pid = in.next<pid_t>();
        (void)in.next<pid_t>();
        if (in.next<pid_t>() == pid && is_ours(pid)) processes_.ended(pid);
        break;
      }
      case PERF_RECORD_COMM: {
        const auto pid = in.next<pid_t>(), tid = in.next<pid_t>();
        if (!is_ours(pid)) break;
        if ((record.header().misc & PERF_RECORD_MISC_COMM_EXEC) != 0)
          processes_.replaced(pid, in.text());
        else if (pid == tid)
          processes_.of(pid).name = in.text();
        break;
      }
      case PERF_RECORD_MMAP2:
        mapping(in);
        break;
      case PERF_RECORD_LOST:
        (void)in.next<std::uint64_t>();
        lost_ += in.next<std::uint64_t>();
        break;
      case PERF_RECORD_READ:
        thread_ended(in);
        break;
      default:
        break;
    }
  }

  /// A clock of the machine sees everybody.
  [[nodiscard]] bool is_ours(pid_t pid) const { return scope_ != PerfScope::Machine || processes_.knows(pid); }

  void mapping(Reader& in) {
    const auto pid = in.next<pid_t>();
    (void)in.next<pid_t>();
    Mapping m;
    m.start = in.next<std::uint64_t>();
    const auto size = in.next<std::uint64_t>();
    m.end = m.start + std::min(size, UINT64_MAX - m.start);
    m.file_offset = in.next<std::uint64_t>();
    (void)in.next<std::uint64_t>();  // device: overlay file systems tell another than stat
    m.file.inode = in.next<std::uint64_t>();
    (void)in.next<std::uint64_t>();
    (void)in.next<std::uint64_t>();
    m.file.path = in.text();
    if (is_ours(pid)) processes_.mapped(pid, std::move(m));
  }

  /// A thread that ended tells what it used of a CPU. One too short for a sample would be seen nowhere else.
  void thread_ended(Reader& in) {
    const auto pid = in.next<pid_t>();
    const auto tid = in.next<pid_t>();
    const auto cpu_ns = in.next<std::uint64_t>();
    if (const auto seen = sampled_threads_.find(tid); seen != sampled_threads_.end()) return;
    unsampled_s_[processes_.of(pid).name] += 1e-9 * static_cast<double>(cpu_ns);
  }

  void sample(Reader& in) {
    const auto ip = in.next<std::uint64_t>();
    const auto pid = in.next<pid_t>();
    const auto tid = in.next<pid_t>();
    (void)in.next<std::uint64_t>();
    if (!is_ours(pid) || !processes_.of(pid).runs_program) return;
    frames_.clear();
    if (scope_ != PerfScope::UserCode) kernel_frames(in);
    bool whole = true;
    if (in.next<std::uint64_t>() != PERF_SAMPLE_REGS_ABI_NONE) {
      std::array<std::uint64_t, perf_register_numbers.size()> values{};
      for (std::uint64_t& v : values) v = in.next<std::uint64_t>();
      const auto room = in.next<std::uint64_t>();
      const auto bytes = in.bytes(room);
      const auto copied = room > 0 ? in.next<std::uint64_t>() : 0;
      const Registers registers = from_perf(values);
      whole = stacks_.walk(pid, *processes_.of(pid).space, registers,
                           {registers.sp(), bytes.first(std::min<std::uint64_t>(copied, bytes.size()))}, frames_);
    } else if (frames_.empty()) {
      frames_.push_back(stacks_.frame(ip >> 63 != 0 ? kernel_frame(ip) : FrameRecord{"[unknown]", "kernel", "", 0}));
    }
    const SampledProcess& process = processes_.of(pid);
    stacks_.add(pid, process.name, process.python, frames_, whole, period_s());
    if (sampled_threads_.size() < 1'000'000) sampled_threads_[tid] = pid;
  }

  void kernel_frames(Reader& in) {
    const auto count = in.next<std::uint64_t>();
    for (std::uint64_t i = 0; i < std::min<std::uint64_t>(count, 1'000); ++i) {
      const auto address = in.next<std::uint64_t>();
      if (address >= static_cast<std::uint64_t>(PERF_CONTEXT_MAX)) continue;  // says whose addresses follow
      frames_.push_back(stacks_.frame(kernel_frame(address)));
    }
  }

  perf_event_attr attributes_;
  PerfScope scope_;
  std::vector<std::unique_ptr<PerfRing>> rings_;
  std::vector<PerfRecord> waiting_;
  StackCollector stacks_;
  SampledProcesses processes_;
  std::vector<std::uint32_t> frames_;
  std::unordered_map<pid_t, pid_t> sampled_threads_;
  std::map<std::string, double> unsampled_s_;
  std::uint64_t lost_ = 0;
};

}  // namespace

std::unique_ptr<Sampler> make_perf_sampler(const SamplingOptions& options, std::string& reason) {
  int error = 0;
  for (const PerfScope scope : {PerfScope::Machine, PerfScope::Tasks, PerfScope::UserCode}) {
    auto sampler = std::make_unique<PerfSampler>(options, scope);
    error = sampler->open();
    if (error == 0) return sampler;
    if (error != EACCES && error != EPERM) break;
  }
  reason = fmt::format("perf_event_open: {}", std::strerror(error));
  return nullptr;
}

}  // namespace haywatt::trace
