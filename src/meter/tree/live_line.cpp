#include "meter/tree/live_line.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>

#include "haywatt/base/text.hpp"

namespace haywatt::meter {
namespace {

constexpr std::int64_t between_ns = 250'000'000;

struct EnergySoFar {
  std::int64_t until_ns = 0;
  double joules = 0.0;
};

/// What is attributed to the program up to the last slow reading: by the first trustworthy package counter, or the
/// estimate.
EnergySoFar energy_so_far(const MeteredRun& m, std::int64_t newer_than_ns) {
  const auto& readings = m.readings.all();
  if (readings.size() < 2 || readings.back().wall_ns <= newer_than_ns ||
      m.phases.slices().size() + 1 != readings.size())
    return {};
  const Timeline timeline{readings, m.phases.slices()};
  const auto source = [&]() -> EnergySource {
    for (std::size_t s = 0; s < m.readings.sensors(); ++s) {
      const EnergySensor& sensor = m.readings.sensor(s);
      for (std::size_t c = 0; c < sensor.channels().size(); ++c)
        if (sensor.channels()[c].boundary == "package" && sensor.fault(c).empty())
          return sensor_source(sensor, c, timeline,
                               {m.readings.joules(s, c), m.readings.told_shares(s, c), m.readings.idle_seconds(s, c),
                                m.readings.spread(s, c)},
                               m.machine, m.identity);
    }
    return estimate_source(timeline, m.machine, m.estimate, m.identity);
  }();
  return {readings.back().wall_ns, source.run.attributed_J(source.idle_W)};
}

void put(const std::string& text) { (void)!::write(2, text.data(), text.size()); }

std::string clock_text(double s) {
  const auto whole = static_cast<long>(s);
  return whole < 3600 ? fmt::format("{}:{:02}", whole / 60, whole % 60)
                      : fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

}  // namespace

std::string live_text(const LiveState& state, double cores, double joules, double watts, int width) {
  std::string text = fmt::format("{}  CPU {:.0f} %  {}", clock_text(state.elapsed_s), 100.0 * cores,
                                 si(static_cast<double>(state.rss_B), "B"));
  if (joules > 0.0) text += fmt::format("  {}  {}", si(watts, "W"), si(joules, "J"));
  if (!state.phase.empty()) text += "  " + state.phase;
  std::size_t characters = 0, end = 0;
  for (; end < text.size(); ++end) {
    if ((text[end] & 0xC0) == 0x80) continue;  // the inside of a character
    if (++characters > static_cast<std::size_t>(std::max(width, 0))) break;
  }
  return text.substr(0, end);
}

LiveLine::LiveLine() : visible_(::isatty(2) != 0) {}

LiveLine::~LiveLine() { erase(); }

void LiveLine::erase() {
  if (drawn_) put("\r\x1b[K");
  drawn_ = false;
}

void LiveLine::written(std::string_view bytes) {
  if (bytes.empty()) return;
  erase();
  at_line_start_ = bytes.back() == '\n';
}

void LiveLine::draw(const LiveState& state, const MeteredRun& so_far) {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  next_ns_ = std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec + between_ns;
  if (!at_line_start_) return;
  if (const EnergySoFar e = energy_so_far(so_far, energy_until_ns_); e.until_ns > energy_until_ns_) {
    const double seconds = static_cast<double>(e.until_ns - std::max(energy_until_ns_, so_far.start_ns)) * 1e-9;
    watts_ = seconds > 0.0 ? std::max(0.0, e.joules - joules_) / seconds : 0.0;
    joules_ = e.joules;
    energy_until_ns_ = e.until_ns;
  }
  const double seconds = state.elapsed_s - last_elapsed_s_;
  const double cores = seconds > 0.0 ? (state.cpu_s - last_cpu_s_) / seconds : 0.0;
  last_elapsed_s_ = state.elapsed_s;
  last_cpu_s_ = state.cpu_s;
  winsize size{};
  const int width = ::ioctl(2, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
  put("\r\x1b[K" + live_text(state, cores, joules_, watts_, width - 1));
  drawn_ = true;
}

}  // namespace haywatt::meter
