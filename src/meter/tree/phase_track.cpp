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

/// How the CPU time of the tree rose from one read of it to the next, with what threads told of themselves between.
class Rise {
 public:
  Rise(std::int64_t from_ns, std::int64_t to_ns) : from_ns_(from_ns), to_ns_(std::max(from_ns, to_ns)) {}

  /// A thread used `cpu_ns` from start to end, of which the part since from_ns counts.
  void add(std::int64_t start_ns, std::int64_t end_ns, std::int64_t cpu_ns) {
    if (end_ns <= start_ns || end_ns <= from_ns_) return;
    const double rate = std::clamp(static_cast<double>(cpu_ns) / static_cast<double>(end_ns - start_ns), 0.0, 1.0);
    changes_.emplace_back(std::max(start_ns, from_ns_), rate);
    changes_.emplace_back(std::min(end_ns, to_ns_), -rate);
  }

  /// The tree's own CPU time rose by so much: what no thread told rose evenly.
  void settle(std::int64_t total_ns) {
    std::sort(changes_.begin(), changes_.end());
    points_.emplace_back(from_ns_, 0.0);
    double rate = 0.0;
    for (const auto& [at_ns, change] : changes_) {
      points_.emplace_back(at_ns, points_.back().second + rate * static_cast<double>(at_ns - points_.back().first));
      rate += change;
    }
    const auto total = static_cast<double>(total_ns), most = std::max(0.0, total + static_cast<double>(tick_ns));
    const double told = points_.back().second;
    if (told > most) scale_ = most / told;
    untold_ = std::max(0.0, total - told);
  }

  [[nodiscard]] std::int64_t until(std::int64_t at_ns) const {
    const auto after = std::upper_bound(points_.begin(), points_.end(), at_ns,
                                        [](std::int64_t t, const auto& point) { return t < point.first; });
    double told = std::prev(after)->second;
    if (after != points_.end())
      told += (after->second - told) * static_cast<double>(at_ns - std::prev(after)->first) /
              static_cast<double>(after->first - std::prev(after)->first);
    const auto length = static_cast<double>(std::max<std::int64_t>(1, to_ns_ - from_ns_));
    return static_cast<std::int64_t>(told * scale_ + untold_ * static_cast<double>(at_ns - from_ns_) / length);
  }

 private:
  std::int64_t from_ns_, to_ns_;
  std::vector<std::pair<std::int64_t, double>> changes_;  ///< of the rate at a time
  std::vector<std::pair<std::int64_t, double>> points_;   ///< CPU time told until a time
  double scale_ = 1.0, untold_ = 0.0;
};

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

PhaseTrack::Thread* PhaseTrack::thread_of(const PhaseMark& m) {
  const std::pair key(m.pid, m.tid);
  if (const auto found = threads_.find(key); found != threads_.end()) return &found->second;
  if (m.kind == PhaseMark::Kind::End || m.phase.empty() || threads_.size() >= most_threads) return nullptr;
  return &threads_.try_emplace(key, Thread{.number = threads_.size(), .tid = m.tid, .open = {}}).first->second;
}

void PhaseTrack::take(const std::vector<PhaseMark>& marks, std::int64_t now_ns, std::int64_t cpu_now_ns) {
  Rise rise(wall_ns_, now_ns);
  for (const PhaseMark& m : marks) {
    Thread* t = thread_of(m);
    if (t == nullptr || m.wall_ns == 0 || m.thread_cpu_ns < 0) continue;
    if (t->thread_cpu_ns >= 0) rise.add(t->wall_ns, m.wall_ns, m.thread_cpu_ns - t->thread_cpu_ns);
    t->wall_ns = m.wall_ns;
    t->thread_cpu_ns = m.thread_cpu_ns;
  }
  rise.settle(cpu_now_ns - cpu_ns_);
  for (const PhaseMark& m : marks) {
    Thread* const found = thread_of(m);
    if (found == nullptr) continue;
    Thread& t = *found;
    SpanBorder at;
    at.wall_ns = std::clamp(m.wall_ns != 0 ? m.wall_ns : now_ns, std::min(wall_ns_, now_ns), now_ns);
    at.process_cpu_ns = cpu_ns_ + rise.until(std::max(wall_ns_, at.wall_ns));
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
  this->at(now_ns, std::max(cpu_now_ns, cpu_ns_ + rise.until(std::max(wall_ns_, now_ns))));
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
