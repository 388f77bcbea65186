#include "meter/phases.hpp"

#include <algorithm>
#include <tuple>

namespace haywatt::meter {
namespace {

constexpr std::size_t stretch_limit = 20'000;

/// Joins neighbours of one phase and thread whose gap is at most `gap_ns`.
std::vector<Stretch> join_neighbours(std::vector<Stretch> stretches, std::int64_t gap_ns) {
  std::sort(stretches.begin(), stretches.end(), [](const Stretch& a, const Stretch& b) {
    return std::tie(a.phase, a.thread, a.start_ns) < std::tie(b.phase, b.thread, b.start_ns);
  });
  std::vector<Stretch> out;
  for (const Stretch& s : stretches) {
    if (!out.empty() && out.back().phase == s.phase && out.back().thread == s.thread &&
        s.start_ns - out.back().end_ns <= gap_ns)
      out.back().end_ns = std::max(out.back().end_ns, s.end_ns);
    else
      out.push_back(s);
  }
  return out;
}

}  // namespace

struct PhaseSweep::Event {
  enum class Kind : std::uint8_t { Begin, End, Cut };
  std::int64_t wall_ns = 0, cpu_ns = 0;
  Kind kind = Kind::Cut;
  std::uint64_t thread = 0;
  std::int32_t tid = 0;
  PhaseId phase = other_phase;
  std::int64_t thread_cpu_ns = 0;
  double rate = 1.0;  ///< of the stretch that begins here
};

PhaseSweep::PhaseSweep(const SpanBorder& start) : wall_ns_(start.wall_ns), cpu_ns_(start.process_cpu_ns) {}

std::vector<PhaseSweep::Event> PhaseSweep::events_of(const std::vector<Border>& borders, const std::vector<Cut>& cuts,
                                                     const SpanBorder& now) const {
  std::vector<Event> events;
  events.reserve(borders.size() + cuts.size());
  for (const Border& b : borders)
    events.push_back({b.at.wall_ns, b.at.process_cpu_ns, b.begin ? Event::Kind::Begin : Event::Kind::End, b.at.thread,
                      b.tid, b.phase, b.at.thread_cpu_ns, 1.0});
  for (const Cut& c : cuts)
    events.push_back({c.wall_ns, c.process_cpu_ns, Event::Kind::Cut, 0, 0, other_phase, 0, 1.0});
  std::stable_sort(events.begin(), events.end(), [](const Event& a, const Event& b) { return a.wall_ns < b.wall_ns; });
  // Threads read their clocks one after another, so CPU time may seem to step back between two of them.
  std::int64_t cpu = cpu_ns_;
  for (Event& e : events) {
    e.wall_ns = std::clamp(e.wall_ns, wall_ns_, now.wall_ns);
    e.cpu_ns = cpu = std::clamp(e.cpu_ns, cpu, std::max(cpu, now.process_cpu_ns));
  }
  return events;
}

/// The rate of a stretch is known at its thread's next border, so times run backwards here. Of the last stretch of a
/// thread in this batch, the thread's own clock tells; if the thread has ended, it counts as fully busy.
void PhaseSweep::set_rates(std::vector<Event>& events, const SpanBorder& now, const ThreadClock& clock) {
  struct Next {
    std::int64_t wall_ns, cpu_ns;
  };
  std::map<std::uint64_t, Next> next;
  const auto rate = [](const Next& n, std::int64_t wall_ns, std::int64_t cpu_ns) {
    if (n.cpu_ns < 0 || cpu_ns < 0 || n.wall_ns <= wall_ns) return 1.0;
    return std::clamp(static_cast<double>(n.cpu_ns - cpu_ns) / static_cast<double>(n.wall_ns - wall_ns), 0.0, 1.0);
  };
  const auto next_of = [&](std::uint64_t thread, std::int32_t tid) -> Next& {
    const auto [it, is_new] = next.try_emplace(thread);
    if (is_new) it->second = {now.wall_ns, clock(tid).value_or(-1)};
    return it->second;
  };
  for (auto e = events.rbegin(); e != events.rend(); ++e) {
    if (e->kind == Event::Kind::Cut) continue;
    Next& n = next_of(e->thread, e->tid);
    e->rate = rate(n, e->wall_ns, e->thread_cpu_ns);
    n = {e->wall_ns, e->thread_cpu_ns};
  }
  for (auto& [number, t] : threads_) t.rate = rate(next_of(number, t.tid), wall_ns_, t.cpu_ns);
}

void PhaseSweep::sweep(const std::vector<Border>& borders, const std::vector<Cut>& cuts, const SpanBorder& now,
                       const ThreadClock& clock) {
  auto events = events_of(borders, cuts, now);
  set_rates(events, now, clock);
  for (const Event& e : events) {
    advance(e.wall_ns, e.cpu_ns);
    apply(e);
  }
  advance(now.wall_ns, std::max(cpu_ns_, now.process_cpu_ns));
  for (auto& [number, t] : threads_) t.cpu_ns = clock(t.tid).value_or(-1);
  if (stretches_.size() > stretch_limit) stretches_ = joined(std::move(stretches_), stretch_limit / 2);
}

void PhaseSweep::finish() {
  for (auto& [number, t] : threads_) end_stretch(number, t, wall_ns_);
  threads_.clear();
}

void PhaseSweep::advance(std::int64_t wall_ns, std::int64_t cpu_ns) {
  const auto wall = static_cast<double>(wall_ns - wall_ns_), cpu = static_cast<double>(cpu_ns - cpu_ns_);
  wall_ns_ = wall_ns;
  cpu_ns_ = cpu_ns;
  if (wall == 0.0 && cpu == 0.0) return;
  active_.clear();
  double all = 0.0;
  for (const auto& [number, t] : threads_) {
    const PhaseId phase = t.stack.back();
    const auto known = std::find_if(active_.begin(), active_.end(), [&](const auto& a) { return a.first == phase; });
    if (known == active_.end())
      active_.emplace_back(phase, t.rate);
    else
      known->second += t.rate;
    all += t.rate;
  }
  if (active_.empty()) give(other_phase, wall, cpu);
  for (const auto& [phase, rate] : active_) {
    const double share = all > 0.0 ? rate / all : 1.0 / static_cast<double>(active_.size());
    give(phase, wall * share, cpu * share);
  }
}

void PhaseSweep::give(PhaseId phase, double wall_ns, double cpu_ns) {
  for (auto* uses : {&totals_, &slice_}) {
    PhaseUse& u = (*uses)[phase];
    u.phase = phase;
    u.wall_ns += wall_ns;
    u.cpu_ns += cpu_ns;
  }
}

void PhaseSweep::apply(const Event& e) {
  if (e.kind == Event::Kind::Cut) {
    Slice& slice = slices_.emplace_back();
    for (const auto& [phase, use] : slice_) slice.push_back(use);
    slice_.clear();
    return;
  }
  auto at = threads_.find(e.thread);
  if (at != threads_.end()) end_stretch(e.thread, at->second, e.wall_ns);
  if (e.kind == Event::Kind::Begin) {
    if (at == threads_.end()) at = threads_.try_emplace(e.thread).first;
    at->second.tid = e.tid;
    at->second.stack.push_back(e.phase);
  } else if (at != threads_.end()) {
    at->second.stack.pop_back();
    if (at->second.stack.empty()) {
      threads_.erase(at);
      return;
    }
  } else {
    return;  // its beginning was lost
  }
  at->second.since_ns = e.wall_ns;
  at->second.rate = e.rate;
}

void PhaseSweep::end_stretch(std::uint64_t number, Thread& t, std::int64_t at_ns) {
  if (at_ns > t.since_ns) stretches_.push_back({t.stack.back(), number, t.since_ns, at_ns});
  t.since_ns = at_ns;
}

std::vector<Stretch> joined(std::vector<Stretch> stretches, std::size_t limit) {
  std::int64_t first = INT64_MAX, last = INT64_MIN;
  for (const Stretch& s : stretches) {
    first = std::min(first, s.start_ns);
    last = std::max(last, s.end_ns);
  }
  constexpr std::int64_t least_gap_ns = 100'000;
  for (const bool across_threads : {false, true}) {
    if (across_threads && stretches.size() > limit)
      for (Stretch& s : stretches) s.thread = 0;
    stretches = join_neighbours(std::move(stretches), 0);
    for (std::int64_t gap = least_gap_ns; stretches.size() > limit; gap *= 2) {
      stretches = join_neighbours(std::move(stretches), gap);
      if (gap > last - first) break;
    }
  }
  std::sort(stretches.begin(), stretches.end(), [](const Stretch& a, const Stretch& b) {
    return std::tie(a.start_ns, a.thread, a.phase) < std::tie(b.start_ns, b.thread, b.phase);
  });
  return stretches;
}

}  // namespace haywatt::meter
