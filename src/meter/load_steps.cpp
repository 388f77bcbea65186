/// Known loads: held by threads that spin, logged, and matched with a plug's readings.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <thread>

#include "haywatt/base/error.hpp"
#include "haywatt/base/file.hpp"
#include "haywatt/base/text.hpp"
#include "haywatt/meter/calibration.hpp"
#include "meter/process_files.hpp"

namespace haywatt::meter {
namespace {

using Clock = std::chrono::steady_clock;

double unix_now() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

std::optional<double> busy_s() {
  const std::string stat = slurp("/proc/stat");
  return machine_busy_s(stat, ::sysconf(_SC_CLK_TCK));
}

/// Arithmetic that no compiler leaves out, for `share` of each tenth of a second.
void spin(const std::atomic<bool>& stop, double share) {
  constexpr auto period = std::chrono::milliseconds(100);
  volatile double x = 1.0;
  while (!stop.load(std::memory_order_relaxed)) {
    const auto start = Clock::now();
    const auto busy = std::chrono::duration_cast<Clock::duration>(period * share);
    while (Clock::now() - start < busy)
      for (int i = 0; i < 2000; ++i) x = x * 1.0000001 + 1e-9;
    if (share < 1.0) std::this_thread::sleep_until(start + period);
  }
}

}  // namespace

LoadStep hold_load(double load, double seconds) {
  const auto cpus = static_cast<double>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN)));
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  const double wanted = std::clamp(load, 0.0, 1.0) * cpus;
  const auto before = busy_s();
  const auto start = Clock::now();
  LoadStep step{unix_now(), 0.0, load};
  const auto whole = static_cast<int>(wanted);
  threads.reserve(static_cast<std::size_t>(whole) + 1);
  for (int i = 0; i < whole; ++i) threads.emplace_back([&stop] { spin(stop, 1.0); });
  if (const double rest = wanted - whole; rest > 1e-6) threads.emplace_back([&stop, rest] { spin(stop, rest); });
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  const auto after = busy_s();
  const double wall_s = std::chrono::duration<double>(Clock::now() - start).count();
  step.end_unix_s = unix_now();
  stop = true;
  for (std::thread& t : threads) t.join();
  if (before && after && wall_s > 0.0) step.load = std::clamp((*after - *before) / (wall_s * cpus), 0.0, 1.0);
  return step;
}

void write_load_log(const std::string& path, const std::vector<LoadStep>& steps) {
  std::string text = "start_unix_s,end_unix_s,load\n";
  for (const LoadStep& s : steps) text += fmt::format("{:.3f},{:.3f},{:.4f}\n", s.start_unix_s, s.end_unix_s, s.load);
  write_text_file(path, text);
}

std::vector<LoadStep> read_load_log(const std::string& path) {
  std::vector<LoadStep> steps;
  std::size_t number = 0;
  for (const std::string& line : split(read_text_file(path, 1 << 20), '\n')) {
    if (++number == 1 || line.empty()) continue;
    const auto f = split(line, ',');
    const auto value = [&](std::size_t i) { return i < f.size() ? parse_double(f[i]) : std::nullopt; };
    const auto start = value(0), end = value(1), load = value(2);
    if (!start || !end || !load || !(*end > *start) || !(*load >= 0.0 && *load <= 1.0))
      fail_input(fmt::format("{} line {}: not a step of 'haywatt calibrate --run'", path, number));
    steps.push_back({*start, *end, *load});
  }
  if (steps.empty()) fail_input(path + " has no steps: make it with 'haywatt calibrate --run'");
  return steps;
}

std::vector<CalibrationPoint> match_power(const std::vector<LoadStep>& steps, const std::vector<PowerReading>& readings,
                                          double settle_s) {
  std::vector<CalibrationPoint> points;
  for (const LoadStep& s : steps) {
    double sum = 0.0;
    int n = 0;
    const auto first = std::lower_bound(readings.begin(), readings.end(), s.start_unix_s + settle_s,
                                        [](const PowerReading& r, double t) { return r.unix_s < t; });
    for (auto r = first; r != readings.end() && r->unix_s <= s.end_unix_s; ++r, ++n) sum += r->watts;
    if (n >= 2) points.push_back({s.load, sum / n});
  }
  if (points.empty() && !readings.empty() && !steps.empty())
    fail_input(fmt::format(
        "the plug's readings ({:.0f} to {:.0f} in Unix seconds) hold no two within a step of the load log "
        "({:.0f} to {:.0f}): is its clock, or its time zone, another?",
        readings.front().unix_s, readings.back().unix_s, steps.front().start_unix_s, steps.back().end_unix_s));
  return points;
}

}  // namespace haywatt::meter
