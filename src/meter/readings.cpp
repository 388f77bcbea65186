#include "meter/readings.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <new>

namespace haywatt::meter {
namespace {

constexpr std::int64_t least_distance_ns = 5'000'000;
constexpr std::size_t readings_a_distance = 20'000;

}  // namespace

Readings::Readings(const Machine& machine) : distance_ns_(least_distance_ns), ticks_per_s_(sysconf(_SC_CLK_TCK)) {
  for (auto& sensor : open_sensors(machine)) {
    const std::size_t channels = sensor->channels().size();
    const auto& all = sensor->channels();
    Kept& k = sensors_.emplace_back();
    k.now.resize(channels);
    k.joules.resize(channels);
    k.shares.resize(channels);
    k.idle.resize(channels);
    k.spread.resize(channels);
    k.ticked.resize(channels);
    k.integrates = std::any_of(all.begin(), all.end(), [](const SensorChannel& c) { return c.integrated_power; });
    any_integrates_ = any_integrates_ || k.integrates;
    k.sensor = std::move(sensor);
  }
}

void Readings::read(const SpanBorder& at, bool slow) {
  Reading r{at.wall_ns, at.process_cpu_ns, std::numeric_limits<double>::quiet_NaN(), slow};
  // Readings are in order of time: one that waited for another is as late as that one.
  if (!readings_.empty()) {
    r.wall_ns = std::max(r.wall_ns, readings_.back().wall_ns);
    r.process_cpu_ns = std::max(r.process_cpu_ns, readings_.back().process_cpu_ns);
  }
  if (slow)
    if (const auto busy = machine_busy_s(stat_.text(), ticks_per_s_)) r.machine_busy_s = *busy;
  for (Kept& k : sensors_) {
    k.sensor->read(k.now);
    for (std::size_t c = 0; c < k.now.size(); ++c) k.joules[c].push_back(k.now[c]);
  }
  readings_.push_back(r);
  if (readings_.size() % readings_a_distance == 0) distance_ns_ *= 2;
  next_ns_ = r.wall_ns + distance_ns_;
}

void Readings::ask_for_shares(std::span<const pid_t> processes) {
  const std::size_t made = readings_.size();
  for (Kept& k : sensors_)
    for (std::size_t c = 0; c < k.now.size(); ++c) {
      std::vector<double>& shares = k.shares[c];
      const auto told = k.sensor->share_of(c, processes);
      if (!told && shares.empty()) continue;
      shares.resize(made, std::numeric_limits<double>::quiet_NaN());
      // The first reading ends no interval: what the channel tells there is of the time before the run.
      if (told && made > 1) shares.back() = std::clamp(*told, 0.0, 1.0);
    }
}

void Readings::watch_idle(std::int64_t wall_ns) {
  const std::lock_guard lock(mutex_);
  const double busy_s = machine_busy_s(stat_.text(), ticks_per_s_).value_or(std::numeric_limits<double>::quiet_NaN());
  for (Kept& k : sensors_) {
    k.sensor->read(k.now);
    for (std::size_t c = 0; c < k.now.size() && watched_ns_ != 0; ++c)
      k.idle[c].push_back(
          {k.now[c] - k.watched[c], static_cast<double>(wall_ns - watched_ns_) * 1e-9, busy_s - watched_busy_s_});
    k.watched = k.now;
  }
  watched_ns_ = wall_ns;
  watched_busy_s_ = busy_s;
}

void Readings::read_slowly(const SpanBorder& at, std::span<const pid_t> processes) {
  const std::lock_guard lock(mutex_);
  read(at, true);
  ask_for_shares(processes);
}

void Readings::read_slowly(const SpanBorder& at) {
  const pid_t self = ::getpid();
  read_slowly(at, {&self, 1});
}

void Readings::tick() noexcept {
  if (!any_integrates_) return;
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock.owns_lock()) return;
  const std::int64_t wall_ns = std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
  if (wall_ns <= ticked_ns_) return;
  const double since_s = static_cast<double>(wall_ns - ticked_ns_) * 1e-9;
  for (Kept& k : sensors_) {
    if (!k.integrates) continue;
    k.sensor->read(k.now);
    for (std::size_t c = 0; c < k.now.size(); ++c) {
      if (ticked_ns_ != 0) k.spread[c].add((k.now[c] - k.ticked[c]) / since_s);
      k.ticked[c] = k.now[c];
    }
  }
  ticked_ns_ = wall_ns;
}

void PowerSpread::add(double watts) {
  if (!std::isfinite(watts)) return;
  if (samples > 0) squares_W2 += (watts - last_W) * (watts - last_W);
  last_W = watts;
  most_W = std::max(most_W, watts);
  ++samples;
}

double PowerSpread::sigma_W() const {
  return samples > 1 ? std::sqrt(squares_W2 / (2.0 * static_cast<double>(samples - 1))) : 0.0;
}

void Readings::read_at_border(const SpanBorder& at) noexcept {
  if (sensors_.empty() || at.wall_ns < next_ns_.load(std::memory_order_relaxed)) return;
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock.owns_lock()) return;
  try {
    read(at, false);
  } catch (const std::bad_alloc&) {
    next_ns_ = INT64_MAX;  // the slow readings go on
  }
}

std::vector<Cut> Readings::new_cuts() {
  const std::lock_guard lock(mutex_);
  std::vector<Cut> cuts;
  for (; taken_ < readings_.size(); ++taken_)
    cuts.push_back({readings_[taken_].wall_ns, readings_[taken_].process_cpu_ns});
  return cuts;
}

}  // namespace haywatt::meter
