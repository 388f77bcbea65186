#include "cli/sensors_watch.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>

#include "haywatt/base/error.hpp"
#include "haywatt/base/text.hpp"

namespace haywatt::cli {
namespace {

using Clock = std::chrono::steady_clock;

bool is_known(const WatchedChannel& c) { return c.fault.empty() && c.moved; }

std::string watts(double value) { return fmt::format("{:.1f} W", value); }

/// What a person reads in place of the watts: a counter that has not moved yet is unknown, never 0 W.
std::string now_text(const WatchedChannel& c) {
  if (!is_known(c)) return "unknown";
  return c.moved_this_tick ? watts(c.power_W) : "-";
}

std::string why(const WatchedChannel& c) { return c.fault.empty() ? "the counter has not moved yet" : c.fault; }

/// SIGINT and SIGTERM wait until they are asked for, so that a line is never cut.
class Ending {
 public:
  Ending() {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGINT);
    sigaddset(&signals_, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &signals_, &before_);
  }
  ~Ending() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }
  Ending(const Ending&) = delete;
  Ending& operator=(const Ending&) = delete;

  /// Sleeps until `until`; true if a signal asks for the end.
  [[nodiscard]] bool comes_before(Clock::time_point until) const {
    while (true) {
      const auto left = std::max(until - Clock::now(), Clock::duration::zero());
      const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
      const timespec rest{static_cast<std::time_t>(seconds.count()),
                          static_cast<long>(std::chrono::nanoseconds(left - seconds).count())};
      if (::sigtimedwait(&signals_, nullptr, &rest) > 0) return true;
      if (errno != EINTR) return false;
    }
  }

 private:
  sigset_t signals_{}, before_{};
};

/// All sensors of the machine, each counter of the hardware once.
class Watch {
 public:
  explicit Watch(const Machine& machine) : sensors_(meter::open_sensors(machine)) {
    bool readable = false;
    for (const auto& sensor : sensors_)
      for (std::size_t c = 0; c < sensor->channels().size(); ++c) {
        WatchedChannel& w = channels_.emplace_back();
        w.sensor = sensor->name();
        w.boundary = sensor->channels()[c].boundary;
        readable = readable || sensor->readable(c);
      }
    if (!readable) fail_unavailable("no energy sensor can be read here; 'haywatt sensors' says why and what helps");
    read(0.0, 0.0);
  }

  void read(double tick_s, double total_s) {
    std::size_t next = 0;
    for (const auto& sensor : sensors_) {
      std::vector<double> joules(sensor->channels().size());
      sensor->read(joules);
      for (std::size_t c = 0; c < joules.size(); ++c, ++next)
        advance(channels_[next], joules[c], std::isfinite(joules[c]) ? std::string{} : sensor->fault(c), tick_s,
                total_s);
    }
  }
  [[nodiscard]] const std::vector<WatchedChannel>& channels() const { return channels_; }

 private:
  meter::EnergySensors sensors_;
  std::vector<WatchedChannel> channels_;
};

void print(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
    fail_errno("standard output", errno);
}

/// Over the table printed before, line by line, so that nothing flickers.
std::string over_the_last(std::string table, bool first) {
  const auto lines = std::count(table.begin(), table.end(), '\n');
  std::string out = first ? std::string{} : fmt::format("\x1b[{}A", lines);
  for (const char c : table) out += c == '\n' ? std::string("\x1b[K\n") : std::string(1, c);
  return out;
}

}  // namespace

void advance(WatchedChannel& c, double joules, const std::string& fault, double tick_s, double total_s) {
  c.fault = fault;
  if (!std::isfinite(joules)) {
    if (c.fault.empty()) c.fault = "it cannot be read";
    return;
  }
  const double step_J = joules - c.joules;
  c.joules = joules;
  c.moved_this_tick = step_J > 0.0;
  c.moved = c.moved || c.moved_this_tick;
  if (!(tick_s > 0.0)) return;
  c.power_W = step_J / tick_s;
  c.mean_W = joules / total_s;
  c.most_W = std::max(c.most_W, c.power_W);
}

std::string watch_line(const std::vector<WatchedChannel>& channels, const std::string& time) {
  std::string line = time;
  for (const WatchedChannel& c : channels) line += fmt::format("  {} {} {}", c.sensor, c.boundary, now_text(c));
  return line + "\n";
}

std::string watch_table(const std::vector<WatchedChannel>& channels, double total_s) {
  std::string table =
      fmt::format("{:<16} {:<8} {:>11} {:>11} {:>11} {:>11}\n", "sensor", "boundary", "now", "mean", "most", "energy");
  for (const WatchedChannel& c : channels) {
    table += fmt::format("{:<16} {:<8} {:>11}", c.sensor, c.boundary, now_text(c));
    table += is_known(c) ? fmt::format(" {:>11} {:>11} {:>11}\n", watts(c.mean_W), watts(c.most_W), si(c.joules, "J"))
                         : "   " + why(c) + "\n";
  }
  return table + fmt::format("{:.0f} s; Ctrl-C ends\n", total_s);
}

std::string watch_json(const std::vector<WatchedChannel>& channels, const std::string& time, double total_s) {
  nlohmann::json list = nlohmann::json::array();
  for (const WatchedChannel& c : channels) {
    const auto known = [&](double value) { return is_known(c) ? nlohmann::json(value) : nlohmann::json(); };
    list.push_back({{"sensor", c.sensor},
                    {"boundary", c.boundary},
                    {"power_W", c.moved_this_tick ? known(c.power_W) : nlohmann::json()},
                    {"energy_J", known(c.joules)},
                    {"fault", is_known(c) ? std::string{} : why(c)}});
  }
  return nlohmann::json{{"schema", "haywatt-sensors-watch/1"}, {"time", time}, {"seconds", total_s}, {"channels", list}}
             .dump() +
         "\n";
}

int watch_sensors(const Machine& machine, int interval_ms, bool json) {
  const Ending ending;
  Watch watch(machine);
  const bool terminal = !json && ::isatty(STDOUT_FILENO) == 1;
  const auto start = Clock::now();
  auto last = start, next = start;
  for (bool first = true;; first = false) {
    next = std::max(next + std::chrono::milliseconds(interval_ms), Clock::now());
    if (ending.comes_before(next)) return 0;
    const auto now = Clock::now();
    const double total_s = std::chrono::duration<double>(now - start).count();
    watch.read(std::chrono::duration<double>(now - last).count(), total_s);
    last = now;
    print(json       ? watch_json(watch.channels(), utc_now(), total_s)
          : terminal ? over_the_last(watch_table(watch.channels(), total_s), first)
                     : watch_line(watch.channels(), utc_now()));
  }
}

}  // namespace haywatt::cli
