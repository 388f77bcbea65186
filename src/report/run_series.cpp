#include "report/run_series.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "haywatt/base/text.hpp"

namespace haywatt::report {
namespace {

using nlohmann::json;

constexpr std::size_t shade_bins = 250;

/// A counter's growth in a second; one that fell (a process left) did nothing.
double rate(std::uint64_t from, std::uint64_t to, double seconds) {
  if (!(seconds > 0.0)) return std::nan("");
  return to < from ? 0.0 : coarse(static_cast<double>(to - from) / seconds);
}

std::string power_name(const PowerSeries& p) {
  std::string name = p.sensor;
  if (!p.tier.empty()) name += " " + p.tier;
  name += ", " + p.boundary;
  return name + (p.share == "machine" ? ": whole machine" : ": this program") + (p.rule.empty() ? "" : ", " + p.rule);
}

}  // namespace

double coarse(double v) {
  if (v == 0.0 || !std::isfinite(v)) return v;
  return parse_double(fmt::format("{:.3e}", v)).value_or(v);
}

std::string top_level(const std::string& phase) { return phase.substr(0, phase.find('/')); }

json phase_shades(const RunRecord& run, const std::vector<std::string>& names) {
  const double width = run.wall_s / static_cast<double>(shade_bins);
  if (!(width > 0.0)) return json::array();
  std::vector<std::vector<double>> covered(shade_bins, std::vector<double>(names.size()));
  for (const SpanRecord& span : run.spans) {
    const auto k =
        static_cast<std::size_t>(std::find(names.begin(), names.end(), top_level(span.phase)) - names.begin());
    if (k >= names.size() || !(span.end_s > span.start_s)) continue;
    const auto last = static_cast<double>(shade_bins - 1);
    const auto from = static_cast<std::size_t>(std::clamp(std::floor(span.start_s / width), 0.0, last));
    const auto to = static_cast<std::size_t>(std::clamp(std::floor(span.end_s / width), 0.0, last));
    for (std::size_t b = from; b <= to; ++b) {
      const double begin = std::max(span.start_s, static_cast<double>(b) * width);
      const double end = std::min(span.end_s, static_cast<double>(b + 1) * width);
      covered[b][k] += std::max(0.0, end - begin);
    }
  }
  json out = json::array();
  std::optional<std::size_t> open;
  double start = 0.0;
  const auto close = [&](double end) {
    if (open) out.push_back({*open, coarse(start), coarse(end)});
  };
  for (std::size_t b = 0; b < shade_bins; ++b) {
    const auto most = std::max_element(covered[b].begin(), covered[b].end());
    std::optional<std::size_t> now;
    if (most != covered[b].end() && *most > 0.0) now = static_cast<std::size_t>(most - covered[b].begin());
    if (now == open) continue;
    close(static_cast<double>(b) * width);
    open = now;
    start = static_cast<double>(b) * width;
  }
  close(run.wall_s);
  return out;
}

SampleSeries sample_series(const std::vector<SampleRecord>& samples, std::size_t points) {
  SampleSeries out;
  const std::size_t n = samples.size();
  const std::size_t step = std::max<std::size_t>(1, (n + points - 1) / points);
  SampleRecord last;
  if (n > 0) last = samples.front();
  last.t_s = 0.0;
  for (std::size_t i = 0; i < n; i += step) {
    const std::size_t end = std::min(i + step, n);
    SampleRecord peak;
    for (std::size_t k = i; k < end; ++k) {
      peak.rss_B = std::max(peak.rss_B, samples[k].rss_B);
      peak.processes = std::max(peak.processes, samples[k].processes);
      peak.threads = std::max(peak.threads, samples[k].threads);
    }
    const SampleRecord& s = samples[end - 1];
    const double dt = s.t_s - last.t_s;
    out.t.push_back(coarse(s.t_s));
    out.memory.push_back(coarse(static_cast<double>(peak.rss_B)));
    out.cores.push_back(dt > 0.0 ? coarse(std::max(0.0, s.cpu_s - last.cpu_s) / dt) : std::nan(""));
    out.read.push_back(rate(last.read_B, s.read_B, dt));
    out.written.push_back(rate(last.written_B, s.written_B, dt));
    out.processes.push_back(static_cast<double>(peak.processes));
    out.threads.push_back(static_cast<double>(peak.threads));
    out.counts_processes = out.counts_processes || peak.processes > 0;
    last = s;
  }
  return out;
}

json power_series(const PowerSeries& p, std::size_t points) {
  const std::size_t n = std::min(p.watts.size(), p.t_s.empty() ? 0 : p.t_s.size() - 1);
  const std::size_t step = std::max<std::size_t>(1, (n + points - 1) / points);
  std::vector<double> t, watts;
  for (std::size_t i = 0; i < n; i += step) {
    const std::size_t end = std::min(i + step, n);
    double joules = 0.0;
    for (std::size_t k = i; k < end; ++k) joules += p.watts[k] * (p.t_s[k + 1] - p.t_s[k]);
    const double length_s = p.t_s[end] - p.t_s[i];
    t.push_back(coarse(p.t_s[i]));
    watts.push_back(length_s > 0.0 ? coarse(joules / length_s) : std::nan(""));
  }
  if (n > 0) t.push_back(coarse(p.t_s[n]));
  return {{"name", power_name(p)}, {"t", t}, {"W", watts}};
}

}  // namespace haywatt::report
