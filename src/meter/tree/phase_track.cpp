#include "meter/tree/phase_track.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "meter/process_files.hpp"

namespace haywatt::meter {
namespace {

/// Threads that announced a phase and never ended it may be dead: a program that makes them without end must not fill
/// our memory.
constexpr std::size_t most_threads = 10'000;

}  // namespace

PhaseTrack::PhaseTrack(std::int64_t wall_ns, std::int64_t cpu_ns) : wall_ns_(wall_ns), cpu_ns_(cpu_ns) {
  (void)number_of("other");
}

PhaseId PhaseTrack::number_of(const std::string& name) {
  const auto [at, is_new] = numbers_.try_emplace(name, static_cast<PhaseId>(numbers_.size()));
  if (is_new) names_.push_back(&at->first);
  return at->second;
}

void PhaseTrack::begin(Thread& t, const SpanBorder& at, PhaseId phase) {
  t.open.push_back(phase);
  borders_.push_back({at, phase, t.tid, true});
  present_ = phase;
}

void PhaseTrack::end(Thread& t, const SpanBorder& at) {
  borders_.push_back({at, t.open.back(), t.tid, false});
  t.open.pop_back();
  present_ = t.open.empty() ? other_phase : t.open.back();
}

void PhaseTrack::take(const std::vector<PhaseMark>& marks, std::int64_t now_ns, std::int64_t cpu_now_ns) {
  for (const PhaseMark& m : marks) {
    const std::pair key(m.pid, m.tid);
    auto found = threads_.find(key);
    if (found == threads_.end()) {
      if (m.kind == PhaseMark::Kind::End || m.phase.empty() || threads_.size() >= most_threads) continue;
      found = threads_.try_emplace(key, Thread{threads_.size(), m.tid, {}}).first;
    }
    Thread& t = found->second;
    const std::int64_t told_ns = m.wall_ns != 0 ? m.wall_ns : now_ns;
    const std::int64_t span_ns = std::max<std::int64_t>(1, now_ns - wall_ns_);
    SpanBorder at;
    at.wall_ns = std::clamp(told_ns, std::min(wall_ns_, now_ns), now_ns);
    at.process_cpu_ns =
        cpu_ns_ + static_cast<std::int64_t>(static_cast<double>(cpu_now_ns - cpu_ns_) *
                                            static_cast<double>(at.wall_ns - wall_ns_) / static_cast<double>(span_ns));
    at.thread_cpu_ns = m.thread_cpu_ns;
    at.thread = t.number;
    if (m.kind == PhaseMark::Kind::End) {
      const auto named = numbers_.find(m.phase);
      const auto innermost = m.phase.empty()           ? t.open.rbegin()
                             : named == numbers_.end() ? t.open.rend()
                                                       : std::find(t.open.rbegin(), t.open.rend(), named->second);
      if (innermost == t.open.rend()) continue;
      // What was entered after it goes on: it is left and entered again, since the sweep knows nested spans only.
      const std::vector<PhaseId> inner(innermost.base(), t.open.end());
      for (std::size_t i = 0; i <= inner.size(); ++i) end(t, at);
      for (const PhaseId phase : inner) begin(t, at, phase);
      continue;
    }
    if (m.kind == PhaseMark::Kind::Switch && !t.open.empty()) end(t, at);
    if (!m.phase.empty() && t.open.size() < 1000) begin(t, at, number_of(m.phase));
  }
  this->at(now_ns, cpu_now_ns);
}

void PhaseTrack::at(std::int64_t now_ns, std::int64_t cpu_now_ns) {
  wall_ns_ = std::max(wall_ns_, now_ns);
  cpu_ns_ = std::max(cpu_ns_, cpu_now_ns);
}

std::vector<Border> PhaseTrack::borders() { return std::exchange(borders_, {}); }

std::vector<std::string> PhaseTrack::names() const {
  std::vector<std::string> list;
  for (const std::string* name : names_) list.push_back(*name);
  return list;
}

const std::string& PhaseTrack::present() const {
  static const std::string none;
  return present_ == other_phase ? none : *names_[present_];
}

std::optional<std::int64_t> foreign_thread_cpu_ns(std::int32_t tid) noexcept {
  std::array<char, 64> path{}, buffer{};
  *fmt::format_to_n(path.data(), path.size() - 1, "/proc/{}/schedstat", tid).out = '\0';
  const int fd = tid <= 0 ? -1 : ::open(path.data(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  const ssize_t n = ::read(fd, buffer.data(), buffer.size());
  ::close(fd);
  std::string_view text(buffer.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
  const auto ns = next_number(text);
  return ns ? std::optional(static_cast<std::int64_t>(*ns)) : std::nullopt;
}

}  // namespace haywatt::meter
