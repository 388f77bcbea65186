#include "haywatt/trace/operator_recorder.hpp"

#include <time.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <tuple>

#include "trace/longest_events.hpp"

namespace haywatt::trace {
namespace {

constexpr std::size_t most_operators = 10'000;
constexpr std::size_t most_events = 20'000;
constexpr std::size_t most_spent = 4096;  // then CPU time is shared out before the outermost operator ends

std::int64_t clock_ns(clockid_t clock) noexcept {
  timespec t{};
  ::clock_gettime(clock, &t);
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

using Key = std::tuple<std::string, std::string, std::string, std::string>;  // phase, layer, name, dtype
using KeyView = std::tuple<std::string_view, std::string_view, std::string_view, std::string_view>;

struct KeyLess {
  using is_transparent = void;
  template <class A, class B>
  bool operator()(const A& a, const B& b) const {
    return KeyView(std::get<0>(a), std::get<1>(a), std::get<2>(a), std::get<3>(a)) <
           KeyView(std::get<0>(b), std::get<1>(b), std::get<2>(b), std::get<3>(b));
  }
};

/// A sum of which single terms may be unknown: then so is the sum.
void add_known(double& sum, double term) noexcept { sum = sum < 0.0 || term < 0.0 ? -1.0 : sum + term; }

struct Sums {
  double calls = 0.0;  // and all else: times the weight
  double wall_ns = 0.0;
  double cpu_ns = 0.0;
  OperatorCost cost{0.0, 0.0, 0.0, 0.0, -1.0, 0.0};

  void add(const OperatorCost& one, double times, double weight) noexcept {
    calls += times * weight;
    add_known(cost.macs, one.macs * weight);
    add_known(cost.flops, one.flops * weight);
    add_known(cost.read_B, one.read_B * weight);
    add_known(cost.written_B, one.written_B * weight);
    cost.parameters = std::max(cost.parameters, one.parameters);
    cost.allocated_B += one.allocated_B * weight;
  }
};

/// One that is open, or closed inside an outermost one that is still open.
struct Open {
  std::size_t op;
  double weight;
  std::int64_t begin_ns;
  std::int64_t inside_ns = 0;  ///< wall time of what it called
};
struct Spent {
  std::size_t op;
  double weight;
  std::int64_t own_ns;
};

/// What one thread has seen. Only that thread writes; stop() reads when all is at rest.
struct ThreadState {
  explicit ThreadState(std::uint64_t number) : events(most_events), thread(number) {}
  std::map<Key, std::size_t, KeyLess> numbers;
  std::vector<const Key*> keys;
  std::vector<Sums> sums;
  std::vector<Open> open;
  std::vector<Spent> spent;  ///< of the outermost operator that is open
  double cpu_ns_left = 0.0;  ///< of its CPU time, what is not shared out yet: up to cpu_seen_ns
  std::int64_t cpu_seen_ns = 0, shared_wall_ns = 0;
  std::vector<const std::string*> phases;  ///< open spans of this thread
  LongestEvents events;
  std::uint64_t thread, announcements = 0, lost = 0;

  /// Its number, most_operators if there is no room.
  std::size_t number(std::string_view phase, const OperatorName& what) {
    const KeyView view(phase, what.layer, what.name, what.dtype);
    auto it = numbers.find(view);
    if (it == numbers.end()) {
      if (numbers.size() >= most_operators) return most_operators;
      it = numbers.emplace(Key(phase, what.layer, what.name, what.dtype), numbers.size()).first;
      keys.push_back(&it->first);
      sums.emplace_back();
    }
    return it->second;
  }
};

/// Distinguishes recorders whose addresses are the same.
std::atomic<std::uint64_t> generations{0};

}  // namespace

struct OperatorRecorder::State {
  std::mutex mutex;
  std::vector<std::unique_ptr<ThreadState>> threads;
  std::uint64_t generation = ++generations;
  std::set<std::string, std::less<>> phases;  ///< under the mutex; only ever grows
  std::atomic<const std::string*> last_phase{nullptr};
  std::atomic<bool> running{false};
  bool listening = false;
  SpanListener* spans_before = nullptr;
  OperatorListener* operators_before = nullptr;
  std::int64_t start_ns = 0;
  double announcement_ns = 0.0;

  ThreadState* here() noexcept {
    thread_local std::uint64_t mine_of = 0;
    thread_local ThreadState* mine = nullptr;
    if (mine_of == generation) return mine;
    try {
      const std::lock_guard lock(mutex);
      mine = threads.emplace_back(std::make_unique<ThreadState>(read_span_border().thread)).get();
      mine_of = generation;
      return mine;
    } catch (...) {
      return nullptr;
    }
  }

  void end(ThreadState& t, const OperatorCost& cost) {
    const Open done = t.open.back();
    const std::int64_t now_ns = clock_ns(CLOCK_MONOTONIC);
    const std::int64_t whole_ns = now_ns - done.begin_ns;
    t.open.pop_back();
    if (!t.open.empty()) t.open.back().inside_ns += whole_ns;
    if (done.op < most_operators) {
      t.sums[done.op].add(cost, 1.0, done.weight);
      t.events.add({t.thread, static_cast<std::uint32_t>(done.op), static_cast<double>(done.begin_ns - start_ns) * 1e-9,
                    static_cast<double>(now_ns - start_ns) * 1e-9});
    }
    t.spent.push_back({done.op, done.weight, std::max<std::int64_t>(0, whole_ns - done.inside_ns)});
    if (t.open.empty()) {
      share_out(t, whole_ns);
      t.cpu_ns_left = 0.0;
      t.shared_wall_ns = 0;
    } else if (t.spent.size() >= most_spent) {
      share_out(t, now_ns - t.open.front().begin_ns);
    }
  }

  /// The CPU time of an outermost operator that has lasted `whole_ns`, to what was nested in it and has ended, and at
  /// its end to itself, by their own wall time.
  static void share_out(ThreadState& t, std::int64_t whole_ns) {
    const std::int64_t cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    t.cpu_ns_left += static_cast<double>(cpu_ns - t.cpu_seen_ns);
    t.cpu_seen_ns = cpu_ns;
    const auto unshared_ns = static_cast<double>(whole_ns - t.shared_wall_ns);
    const double rate = unshared_ns > 0.0 ? t.cpu_ns_left / unshared_ns : 0.0;
    for (const Spent& s : t.spent) {
      const double share_ns = rate * static_cast<double>(s.own_ns);
      t.cpu_ns_left -= share_ns;
      t.shared_wall_ns += s.own_ns;
      if (s.op >= most_operators) {
        ++t.lost;
        continue;
      }
      t.sums[s.op].wall_ns += static_cast<double>(s.own_ns) * s.weight;
      t.sums[s.op].cpu_ns += share_ns * s.weight;
    }
    t.spent.clear();
  }

  [[nodiscard]] std::string_view phase_of(const ThreadState& t) const noexcept {
    const std::string* phase = t.phases.empty() ? last_phase.load(std::memory_order_acquire) : t.phases.back();
    return phase == nullptr ? std::string_view("other") : std::string_view(*phase);
  }

  OperatorTotals totals();
};

namespace {

/// What one announcement costs, by announcing to a recorder of its own.
double measure_announcement_ns() {
  OperatorRecorder trial;
  const int times = 300;
  const OperatorName what{"trial", "", ""};
  const std::int64_t start = clock_ns(CLOCK_THREAD_CPUTIME_ID);
  for (int i = 0; i < times; ++i) {
    trial.on_operator_begin(what);
    trial.on_operator_end({});
  }
  return static_cast<double>(clock_ns(CLOCK_THREAD_CPUTIME_ID) - start) / times;
}

}  // namespace

OperatorRecorder::OperatorRecorder() : state_(std::make_unique<State>()) {
  state_->running = true;
  state_->start_ns = clock_ns(CLOCK_MONOTONIC);
}

OperatorRecorder::~OperatorRecorder() {
  if (state_->listening) (void)stop();
}

void OperatorRecorder::start() {
  state_->announcement_ns = measure_announcement_ns();
  state_->start_ns = clock_ns(CLOCK_MONOTONIC);
  state_->spans_before = set_span_listener(this);
  state_->operators_before = set_operator_listener(this);
  state_->listening = true;
}

OperatorTotals OperatorRecorder::stop() {
  state_->running = false;
  if (state_->listening) {
    set_operator_listener(state_->operators_before);
    set_span_listener(state_->spans_before);
    state_->listening = false;
  }
  return state_->totals();
}

void OperatorRecorder::on_operator_begin(const OperatorName& what) noexcept {
  if (!state_->running.load(std::memory_order_relaxed)) return;
  ThreadState* t = state_->here();
  if (t == nullptr) return;
  try {
    const std::size_t op = t->number(state_->phase_of(*t), what);
    ++t->announcements;
    if (t->open.empty()) t->cpu_seen_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    t->open.push_back({op, what.weight, clock_ns(CLOCK_MONOTONIC)});
  } catch (...) {
    ++t->lost;
  }
}

void OperatorRecorder::on_operator_end(const OperatorCost& cost) noexcept {
  if (!state_->running.load(std::memory_order_relaxed)) return;
  ThreadState* t = state_->here();
  if (t == nullptr || t->open.empty()) return;
  try {
    state_->end(*t, cost);
  } catch (...) {
    ++t->lost;
  }
}

void OperatorRecorder::on_operator_parts(const OperatorName& what, const OperatorCost& total, std::uint64_t calls,
                                         std::int64_t wall_ns) noexcept {
  if (!state_->running.load(std::memory_order_relaxed)) return;
  ThreadState* t = state_->here();
  if (t == nullptr || t->open.empty()) return;
  try {
    const std::size_t op = t->number(state_->phase_of(*t), what);
    ++t->announcements;
    const double weight = what.weight * t->open.back().weight;
    t->spent.push_back({op, weight, wall_ns});
    if (op < most_operators) t->sums[op].add(total, static_cast<double>(calls), weight);
    t->open.back().inside_ns += wall_ns;
  } catch (...) {
    ++t->lost;
  }
}

void OperatorRecorder::on_begin(std::string_view phase, const SpanBorder& at) noexcept {
  if (state_->spans_before != nullptr) state_->spans_before->on_begin(phase, at);
  ThreadState* t = state_->here();
  if (t == nullptr) return;
  try {
    const std::lock_guard lock(state_->mutex);
    auto it = state_->phases.find(phase);
    if (it == state_->phases.end()) it = state_->phases.emplace(phase).first;
    t->phases.push_back(&*it);
    state_->last_phase = &*it;
  } catch (...) {
    ++t->lost;
  }
}

void OperatorRecorder::on_end(std::string_view phase, const SpanBorder& at) noexcept {
  ThreadState* t = state_->here();
  // The innermost of that name, as one may be lost for lack of memory and one may have begun before us.
  if (t != nullptr) {
    for (std::size_t i = t->phases.size(); i-- > 0;)
      if (*t->phases[i] == phase) {
        t->phases.resize(i);
        break;
      }
    state_->last_phase = t->phases.empty() ? nullptr : t->phases.back();
  }
  if (state_->spans_before != nullptr) state_->spans_before->on_end(phase, at);
}

OperatorTotals OperatorRecorder::State::totals() {
  const std::lock_guard lock(mutex);
  std::map<Key, Sums> all;
  std::uint64_t announcements = 0;
  OperatorTotals out;
  for (const auto& t : threads) {
    announcements += t->announcements;
    out.lost += t->lost;
    for (std::size_t i = 0; i < t->keys.size(); ++i) {
      const auto [it, fresh] = all.try_emplace(*t->keys[i], t->sums[i]);
      if (fresh) continue;
      const Sums& more = t->sums[i];
      it->second.add(more.cost, 0.0, 1.0);
      it->second.calls += more.calls;
      it->second.wall_ns += more.wall_ns;
      it->second.cpu_ns += more.cpu_ns;
    }
  }
  std::vector<const std::pair<const Key, Sums>*> order;
  for (const auto& entry : all)
    if (entry.second.calls > 0.0) order.push_back(&entry);
  std::stable_sort(order.begin(), order.end(),
                   [](const auto* a, const auto* b) { return a->second.wall_ns > b->second.wall_ns; });
  std::map<Key, std::uint32_t> place;
  for (const auto* entry : order) {
    const auto& [key, sums] = *entry;
    place[key] = static_cast<std::uint32_t>(out.operators.size());
    OperatorRecord& o = out.operators.emplace_back();
    std::tie(o.phase, o.layer, o.name, o.dtype) = key;
    o.calls = static_cast<std::uint64_t>(std::llround(sums.calls));
    o.wall_s = sums.wall_ns * 1e-9;
    o.cpu_s = sums.cpu_ns * 1e-9;
    o.macs = sums.cost.macs;
    o.flops = sums.cost.flops;
    o.read_B = sums.cost.read_B;
    o.written_B = sums.cost.written_B;
    o.parameters = sums.cost.parameters;
    o.allocated_B = sums.cost.allocated_B;
  }
  LongestEvents longest(most_events);
  for (const auto& t : threads) {
    for (TimelineEvent e : t->events.take()) {
      e.op = place.at(*t->keys[e.op]);
      longest.add(e);
    }
    out.timeline_left_out += t->events.left_out();
  }
  out.timeline = longest.take();
  out.timeline_left_out += longest.left_out();
  out.recorder_cpu_s = static_cast<double>(announcements) * announcement_ns * 1e-9;
  return out;
}

}  // namespace haywatt::trace
