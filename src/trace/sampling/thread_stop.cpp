#include "trace/sampling/thread_stop.hpp"

#include <elf.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <optional>

#include "trace/sampling/proc_text.hpp"
#include "trace/sampling/proc_tree.hpp"

namespace haywatt::trace {
namespace {

/// A running thread stops within microseconds; one that the kernel is busy for may not for long.
constexpr std::int64_t patience_ns = 20'000'000;

std::int64_t monotonic_ns() {
  timespec t{};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

/// The status of its stop or end, if it comes within `patience`.
std::optional<int> wait_for_stop(pid_t tid, std::int64_t patience) {
  const std::int64_t until = monotonic_ns() + patience;
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);  // blocked by whoever waits for us: its arrival only ends the nap
  while (true) {
    int status = 0;
    const pid_t n = ::waitpid(tid, &status, __WALL | WNOHANG);
    if (n == tid) return status;
    if (n < 0) return std::nullopt;
    const std::int64_t left = until - monotonic_ns();
    if (left <= 0) return std::nullopt;
    const timespec nap{0, static_cast<long>(std::min<std::int64_t>(left, 1'000'000))};
    ::sigtimedwait(&child, nullptr, &nap);
  }
}

/// A signal that stopped it on its way to it is not to be lost.
void let_go(pid_t tid, int status) {
  if (!WIFSTOPPED(status)) return;
  const bool is_signal = status >> 16 == 0;
  ::ptrace(PTRACE_DETACH, tid, nullptr, is_signal ? static_cast<long>(WSTOPSIG(status)) : 0L);
}

bool read_registers(pid_t tid, Registers& r) {
#if defined(__x86_64__)
  user_regs_struct u{};
#else
  user_pt_regs u{};
#endif
  iovec piece{&u, sizeof u};
  if (::ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &piece) != 0) return false;
#if defined(__x86_64__)
  if (piece.iov_len != sizeof u) return false;  // a 32-bit program
  r.value = {u.rax, u.rdx, u.rcx, u.rbx, u.rsi, u.rdi, u.rbp, u.rsp, u.r8,
             u.r9,  u.r10, u.r11, u.r12, u.r13, u.r14, u.r15, 0};
  r.pc = u.rip;
#else
  std::copy(std::begin(u.regs), std::end(u.regs), r.value.begin());
  r.value[stack_pointer] = u.sp;
  r.pc = u.pc;
#endif
  return true;
}

/// Page by page, since a piece is copied whole or not at all, and the stack ends somewhere.
std::size_t read_stack(pid_t pid, std::uint64_t from, std::span<std::byte> to) {
  constexpr std::size_t page = 4096;
  std::array<iovec, 64> pieces{};
  std::size_t count = 0, covered = 0;
  while (covered < to.size() && count < pieces.size()) {
    const std::size_t size = std::min(to.size() - covered, page - (from + covered) % page);
    // The kernel takes another process's address as a pointer. NOLINTNEXTLINE(performance-no-int-to-ptr)
    pieces[count++] = {reinterpret_cast<void*>(from + covered), size};
    covered += size;
  }
  const iovec here{to.data(), covered};
  const ssize_t n = ::process_vm_readv(pid, &here, 1, pieces.data(), count, 0);
  return n > 0 ? static_cast<std::size_t>(n) : 0;
}

/// The kernel says EPERM of those as well.
bool has_ended(pid_t pid, pid_t tid) {
  const std::string text = proc_text(fmt::format("/proc/{}/task/{}/stat", pid, tid).c_str());
  const auto stat = read_thread_stat(text);
  return !stat || stat->state == 'Z' || stat->state == 'X';
}

}  // namespace

ThreadStops::~ThreadStops() { release_late(); }

ThreadStops::Result ThreadStops::copy(pid_t pid, pid_t tid, Registers& registers, StackCopy& stack) {
  if (std::find(late_.begin(), late_.end(), tid) != late_.end()) return Result::Gone;
  if (::ptrace(PTRACE_SEIZE, tid, nullptr, 0L) != 0)
    return errno == ESRCH || has_ended(pid, tid) ? Result::Gone : Result::Refused;
  if (::ptrace(PTRACE_INTERRUPT, tid, nullptr, nullptr) != 0) {
    late_.push_back(tid);
    return Result::Gone;
  }
  const auto status = wait_for_stop(tid, patience_ns);
  if (!status) {
    late_.push_back(tid);
    return Result::Gone;
  }
  bool copied = false;
  if (WIFSTOPPED(*status) && read_registers(tid, registers)) {
    const std::size_t n = read_stack(pid, registers.sp(), bytes_);
    stack = {registers.sp(), std::span(bytes_).first(n)};
    copied = true;
  }
  let_go(tid, *status);
  return copied ? Result::Copied : Result::Gone;
}

void ThreadStops::release_late() {
  std::erase_if(late_, [](pid_t tid) {
    int status = 0;
    const pid_t n = ::waitpid(tid, &status, __WALL | WNOHANG);
    if (n == tid) let_go(tid, status);
    return n != 0;
  });
}

std::string why_no_ptrace() {
  const pid_t child = ::fork();
  if (child < 0) return fmt::format("fork: {}", std::strerror(errno));
  if (child == 0) {
    while (true) ::pause();
  }
  const bool permitted = ::ptrace(PTRACE_SEIZE, child, nullptr, 0L) == 0;
  const int error = errno;
  ::kill(child, SIGKILL);
  while (::waitpid(child, nullptr, __WALL) < 0 && errno == EINTR) {
  }
  return permitted ? "" : fmt::format("ptrace: {}", std::strerror(error));
}

}  // namespace haywatt::trace
