#include "experiment/compare_metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "haywatt/base/error.hpp"

namespace haywatt::experiment {
namespace {

using metrics::Estimate;

constexpr double z95 = 1.95996398454;
constexpr double z80 = 0.841621234;  // 80 % point of the standard normal distribution
constexpr const char* estimate_sensor = "estimate";

/// Measured before estimated, then as wide as possible; unknown boundaries last.
int rank_of(const Quantity& q) {
  constexpr std::array<const char*, 6> wide_first = {"wall", "node", "psys", "package", "board", "dram"};
  const auto place = std::find(wide_first.begin(), wide_first.end(), q.boundary) - wide_first.begin();
  return static_cast<int>(place) * 2 + (q.rule == "attributed" ? 0 : 1) + (q.sensor == estimate_sensor ? 100 : 0);
}

void add_energies(const RunRecord& run, std::vector<Quantity>& energies) {
  for (const EnergyFigure& e : run.energy) {
    if (!e.known || e.share == "machine" || e.share == "phase") continue;
    const auto same = [&](const Quantity& q) {
      return q.sensor == e.sensor && q.boundary == e.boundary && q.rule == e.rule;
    };
    if (std::none_of(energies.begin(), energies.end(), same))
      energies.push_back({"energy", "J", e.sensor, e.boundary, e.rule, e.tier});
  }
}

std::optional<Figure> energy_in(const std::vector<EnergyFigure>& figures, const Quantity& q) {
  for (const EnergyFigure& e : figures)
    if (e.known && e.share != "machine" && e.sensor == q.sensor && e.boundary == q.boundary && e.rule == q.rule)
      return e.joules;
  return std::nullopt;
}

std::vector<double> values_of(const std::vector<const RunRecord*>& runs, const Quantity& q) {
  std::vector<double> values;
  for (const RunRecord* run : runs) {
    const std::optional<Figure> f = value_in(*run, q);
    values.push_back(f ? f->value : NAN);
  }
  return values;
}

bool positive(double v) { return std::isfinite(v) && v > 0.0; }

/// Components that are drawn anew in each run are seen in the scatter of the runs. Not so the part of a period at which
/// a sensor never looks: a program in step with it would show it the same part every time.
bool seen_in_scatter(const Component& c) {
  if (c.type == 'A') return true;
  return c.correlation.kind == CorrelationKind::Run && c.name.find("unseen") == std::string::npos;
}

/// What is tied to one run's program (the watts of its instructions) is the same in all runs of one command.
void tie_to_command(Component& c, const RunRecord& run) {
  if (c.correlation.kind == CorrelationKind::Run || run.id.empty()) return;
  const std::size_t at = c.correlation.id.find(run.id);
  if (at == std::string::npos) return;
  std::string command;
  if (run.tree)
    for (const std::string& word : run.tree->command) command += word + '\0';
  c.correlation.id.replace(at, run.id.size(), "command:" + (command.empty() ? run.label : command));
}

/// The run of the middle value, and the components of its figure that stay the same in every run of its side.
Figure typical(const std::vector<const RunRecord*>& runs, const Quantity& q, std::vector<double> values) {
  std::vector<std::size_t> order(values.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](std::size_t x, std::size_t y) { return values[x] < values[y]; });
  const RunRecord& run = *runs[order[(order.size() - 1) / 2]];
  Figure f = *value_in(run, q);
  std::erase_if(f.components, seen_in_scatter);
  for (Component& c : f.components) tie_to_command(c, run);
  return f;
}

std::string verdict_of(const Figure& ratio) {
  if (ratio.low == 1.0 && ratio.high == 1.0) return "equal";
  if (ratio.high < 1.0) return "B less";
  return ratio.low > 1.0 ? "B more" : "cannot tell";
}

std::optional<std::uint64_t> more_pairs(const Estimate& all, double u) {
  const auto needed = metrics::values_needed(all, std::fabs(all.centre) * z95 / (z95 + z80), u);
  if (!needed) return std::nullopt;
  return std::max<std::uint64_t>(*needed, all.n + 1) - all.n;
}

std::string why_unknown(const std::vector<double>& a, const std::vector<double>& b) {
  const auto bad = [](const std::vector<double>& v) {
    return std::count_if(v.begin(), v.end(), [](double x) { return !positive(x); });
  };
  return fmt::format("not resolved: nothing above 0 in {} of {} runs of A and {} of {} of B", bad(a), a.size(), bad(b),
                     b.size());
}

}  // namespace

double median_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : 0.5 * (values[half - 1] + values[half]);
}

std::vector<Quantity> quantities_of(const RunSets& runs) {
  std::vector<Quantity> list;
  for (const RunRecord* run : runs.a) add_energies(*run, list);
  for (const RunRecord* run : runs.b) add_energies(*run, list);
  std::stable_sort(list.begin(), list.end(),
                   [](const Quantity& x, const Quantity& y) { return rank_of(x) < rank_of(y); });
  list.push_back({"cpu", "s", {}, {}, {}, {}});
  list.push_back({"time", "s", {}, {}, {}, {}});
  list.push_back({"memory", "B", {}, {}, {}, {}});
  return list;
}

std::optional<Figure> value_in(const RunRecord& run, const Quantity& q) {
  if (q.name == "energy") return energy_in(run.energy, q);
  if (q.name == "cpu") return Figure::exact(run.cpu_s, "s");
  if (q.name == "time") return Figure::exact(run.wall_s, "s");
  if (run.rss_peak_B == 0) return std::nullopt;
  return Figure::exact(static_cast<double>(run.rss_peak_B), "B");
}

std::optional<Estimate> scatter_of(const RunSets& runs, const Quantity& q) {
  std::vector<double> a = values_of(runs.a, q), b = values_of(runs.b, q);
  if (!std::all_of(a.begin(), a.end(), positive) || !std::all_of(b.begin(), b.end(), positive)) return std::nullopt;
  for (double& x : a) x = std::log(x);
  for (double& x : b) x = std::log(x);
  if (!runs.paired) return metrics::unpaired_centre(a, b, runs.level);
  for (std::size_t i = 0; i < a.size(); ++i) b[i] -= a[i];
  return metrics::paired_centre(b, runs.level);
}

std::pair<std::size_t, std::string> choose_deciding(const std::vector<Quantity>& list, const RunSets& runs,
                                                    CompareOn on) {
  const auto first_known = [&](const std::string& name, bool measured) -> std::optional<std::size_t> {
    for (std::size_t i = 0; i < list.size(); ++i)
      if (list[i].name == name && !(measured && list[i].sensor == estimate_sensor) && scatter_of(runs, list[i]))
        return i;
    return std::nullopt;
  };
  const auto asked = [&](const std::string& name) {
    const auto at = first_known(name, false);
    if (!at)
      fail_unavailable("the " + name + " of these runs is not known or too small to read: compare on another one");
    return std::pair<std::size_t, std::string>(*at, "as asked");
  };
  switch (on) {
    case CompareOn::Energy:
      return asked("energy");
    case CompareOn::Time:
      return asked("time");
    case CompareOn::Cpu:
      return asked("cpu");
    case CompareOn::Memory:
      return asked("memory");
    case CompareOn::Automatic:
      break;
  }
  if (const auto at = first_known("energy", true)) return {*at, "a sensor measures energy here"};
  if (const auto at = first_known("cpu", false))
    return {*at, "no sensor measures energy here, and its estimate is CPU time in other units"};
  return {first_known("time", false).value_or(list.size() - 2), "the programs used no CPU time that could be read"};
}

ComparedMetric compare_metric(const RunSets& runs, const Quantity& q) {
  ComparedMetric m;
  m.name = q.name;
  m.unit = q.unit;
  m.sensor = q.sensor;
  m.boundary = q.boundary;
  m.rule = q.rule;
  m.tier = q.tier;
  const std::vector<double> a = values_of(runs.a, q), b = values_of(runs.b, q);
  const std::optional<Estimate> scatter = scatter_of(runs, q);
  if (!scatter) {
    m.verdict = "unknown";
    m.note = why_unknown(a, b);
    return m;
  }
  m.known = true;
  m.a_median = median_of(a);
  m.b_median = median_of(b);

  m.ratio = ratio(typical(runs.b, q, b), typical(runs.a, q, a));
  double variance = 0.0;
  for (const Component& c : m.ratio.components) variance += c.u_rel * c.u_rel;
  const double u = std::sqrt(variance);
  const Estimate all = metrics::widened(*scatter, u);
  m.ratio.value = std::exp(all.centre);
  m.ratio.low = std::exp(all.low);
  m.ratio.high = std::exp(all.high);
  m.ratio.interval = all.how + (u > 0.0 ? ", and components" : "");
  const double u_scatter = metrics::half_width(*scatter) / z95;
  if (u_scatter > 0.0) m.ratio.components.insert(m.ratio.components.begin(), {"scatter", 'A', u_scatter, 0.0, {}});

  m.p_b_less = metrics::probability_below_zero(all);
  m.verdict = verdict_of(m.ratio);
  m.detectable = std::expm1(metrics::detectable(all));
  m.shared_not = std::expm1(z95 * u);
  if (m.verdict == "cannot tell" && runs.paired) m.more_pairs = more_pairs(all, u);
  return m;
}

}  // namespace haywatt::experiment
