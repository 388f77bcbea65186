#include "experiment/bottleneck_rules.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "experiment/compare_metrics.hpp"

namespace haywatt::experiment {
namespace {

constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
constexpr double most = 0.4;          // of the wall time: a cause that holds as much decides
constexpr double switching = 1000.0;  // voluntary switches a second: threads hand over, not just end

const BottleneckRun* find(const BottleneckRecord& record, const std::string& treatment, int block) {
  for (const BottleneckRun& r : record.runs)
    if (r.block == block && r.treatment == treatment) return &r;
  return nullptr;
}

template <class Of>
double median_over(const BottleneckRecord& record, const std::vector<int>& blocks, const char* treatment, Of of) {
  std::vector<double> values;
  for (const int b : blocks)
    if (const BottleneckRun* r = find(record, treatment, b))
      if (const double v = of(*r); std::isfinite(v)) values.push_back(v);
  return values.empty() ? unknown : median_of(values);
}

template <class Of>
double ratio_over(const BottleneckRecord& record, const std::vector<int>& blocks, const char* treated,
                  const char* control, Of of) {
  std::vector<double> logs;
  for (const int b : blocks) {
    const BottleneckRun* t = find(record, treated, b);
    const BottleneckRun* c = find(record, control, b);
    if (t != nullptr && c != nullptr && of(*t) > 0.0 && of(*c) > 0.0) logs.push_back(std::log(of(*t) / of(*c)));
  }
  return logs.empty() ? unknown : std::exp(median_of(logs));
}

bool disturbed(const BottleneckRun& r) {
  const auto at = r.seen.find("neighbour_ran");
  return at != r.seen.end() && at->second < undisturbed;
}

template <class Of>
double least_over(const BottleneckRecord& record, const std::vector<int>& blocks, const char* treatment, Of of) {
  double least = unknown;
  for (const int b : blocks)
    if (const BottleneckRun* r = find(record, treatment, b); r != nullptr && !disturbed(*r) && of(*r) > 0.0)
      least = std::isfinite(least) ? std::min(least, of(*r)) : of(*r);
  return least;
}

double wall(const BottleneckRun& r) { return r.wall_s; }
double cpu(const BottleneckRun& r) { return r.cpu_s; }
double user(const BottleneckRun& r) { return r.user_s; }
auto seen(const char* name) {
  return [name](const BottleneckRun& r) {
    const auto it = r.seen.find(name);
    return it == r.seen.end() ? unknown : it->second;
  };
}

double or_else(double x, double instead) { return std::isfinite(x) ? x : instead; }

}  // namespace

BottleneckSignals signals_of(const BottleneckRecord& record, const std::vector<int>& blocks) {
  BottleneckSignals s{};
  s.wall_s = median_over(record, blocks, "plain", wall);
  s.cpu_s = median_over(record, blocks, "plain", cpu);
  s.busy = median_over(record, blocks, "plain", [](const BottleneckRun& r) { return r.cpu_s / r.wall_s; });
  s.at_once = or_else(median_over(record, blocks, "plain", seen("at_once")), 1.0);
  s.switches_per_s = or_else(median_over(record, blocks, "plain", seen("voluntary_switches")) / s.wall_s, 0.0);
  s.one_cpu = ratio_over(record, blocks, "one CPU", "plain", wall);
  s.one_cpu_cpu = ratio_over(record, blocks, "one CPU", "plain", cpu);
  s.memory = least_over(record, blocks, "beside stream", cpu) / least_over(record, blocks, "beside compute", cpu);
  s.slowed = median_over(record, blocks, "beside stream",
                         [](const BottleneckRun& r) { return disturbed(r) ? unknown : seen("neighbour_slowed")(r); });
  s.huge = least_over(record, blocks, "huge pages", user) / least_over(record, blocks, "plain", user);
  const double granted = median_over(record, blocks, "less CPU", seen("quota_ratio"));
  s.quota = std::log(ratio_over(record, blocks, "less CPU", "one CPU", wall)) / std::log(granted);
  s.storage = (ratio_over(record, blocks, "storage slowed", "storage watched", wall) - 1.0) /
              median_over(record, blocks, "storage slowed", seen("storage_delay"));
  s.bytecode = median_over(record, blocks, "bytecodes watched", seen("bytecode_share"));
  s.bytecode_delay = ratio_over(record, blocks, "bytecodes slowed", "bytecodes watched", cpu);
  return s;
}

BottleneckReferences references_of(const std::map<std::string, double>& seen) {
  BottleneckReferences r;
  const auto read = [&](const char* name, double& to) {
    if (const auto it = seen.find(name); it != seen.end() && std::isfinite(it->second)) to = it->second;
  };
  read("stream_memory", r.stream_memory);
  read("stream_slowed", r.stream_slowed);
  read("chase_memory", r.chase_memory);
  return r;
}

BottleneckShares shares_of(const BottleneckSignals& s, const BottleneckReferences& r) {
  BottleneckShares shares;
  shares.storage = std::clamp(or_else(s.storage, 0.0), 0.0, 1.5);
  const double busy = std::min(1.0, s.busy);
  shares.interpreter = or_else(s.bytecode, 0.0) * busy;
  // The references are short: where one fell into a noisy moment, its bounds on other machines stand in for it.
  const double full = std::clamp(std::min(r.stream_memory, r.chase_memory) - 1.0, 0.2, 0.35);
  shares.memory = std::clamp((or_else(s.memory, 1.0) - 1.0) / full, 0.0, 1.5) * busy;
  shares.pressure = std::max(0.0, or_else(s.slowed, 0.0)) / std::clamp(r.stream_slowed, 0.2, 0.45);
  shares.waiting = std::max(0.0, 1.0 - s.busy - shares.storage);
  return shares;
}

bool runs_at_once(const BottleneckSignals& s) { return s.at_once > 1.5 || s.busy > 1.04; }

std::string verdict_of(const BottleneckSignals& s, const BottleneckReferences& r, int cpus) {
  const BottleneckShares shares = shares_of(s, r);
  if (shares.storage >= most) return "I/O";
  const bool several = runs_at_once(s) && cpus > 1;
  if (several && s.switches_per_s >= switching && (s.busy < 1.2 || or_else(s.one_cpu, 2.0) < 1.2))
    return "synchronisation";
  if (shares.interpreter >= 0.5) return "interpreter/dispatch";
  if (several && or_else(s.one_cpu, 2.0) < 0.95 && or_else(s.one_cpu_cpu, 1.0) < 0.8) return "synchronisation";
  if (shares.pressure >= 0.35 && s.busy >= 0.5) return "memory bandwidth";
  const double huge = or_else(s.huge, 1.0);
  // Either sign alone may be chance or something else (page faults, a shared cache): both, or one of them strongly.
  if ((shares.memory >= most && huge < 0.95) || (shares.memory >= 0.2 && huge < 0.8) || shares.memory >= 0.7)
    return shares.pressure >= 0.2 ? "memory bandwidth" : "memory latency";
  if (several && s.busy >= 0.7 && s.busy < 1.6 && or_else(s.one_cpu, 2.0) < 1.5) return "serial part";
  if (s.busy >= 0.8 && std::isfinite(s.memory)) return "compute";
  return "cannot tell";
}

}  // namespace haywatt::experiment
