#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "experiment/layouts_extrapolate.hpp"
#include "haywatt/experiment/layouts.hpp"
#include "haywatt/metrics/paired.hpp"

namespace haywatt::experiment {
namespace {

constexpr double goal = 0.20;  // how far a prediction may be from what is measured

double total_cpu_s(const LayoutTrial& t) { return std::accumulate(t.cpu_s.begin(), t.cpu_s.end(), 0.0); }

std::vector<double> times(const LayoutCase& c) {
  std::vector<double> v;
  for (const LayoutTrial& t : c.trials) v.push_back(t.time_s);
  return v;
}

std::vector<double> cpu_times(const LayoutCase& c) {
  std::vector<double> v;
  for (const LayoutTrial& t : c.trials) v.push_back(total_cpu_s(t));
  return v;
}

/// a/b from trials that follow each other.
Figure joint_ratio(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> logs;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    if (a[i] > 0.0 && b[i] > 0.0) logs.push_back(std::log(a[i] / b[i]));
  const metrics::Estimate e = metrics::paired_centre(logs);
  Figure f;
  f.unit = "1";
  f.value = std::exp(e.centre);
  f.low = std::exp(e.low);
  f.high = std::exp(e.high);
  f.interval = e.how;
  return f;
}

const LayoutCase* find_case(const LayoutNetwork& n, std::string_view layout, std::uint64_t batch) {
  for (const LayoutCase& c : n.cases)
    if (c.layout == layout && c.batch == batch && !c.trials.empty()) return &c;
  return nullptr;
}

void conclude_case(LayoutCase& c, const LayoutNetwork& n, const LayoutPart& part) {
  const std::string id = fmt::format("{}:{}:{}:{}", part.widen, n.name, c.layout, c.batch);
  c.time_s = Figure::from_repeats(times(c), "s", id);
  c.cpu_s = Figure::from_repeats(cpu_times(c), "s", id);
  if (const LayoutCase* single = find_case(n, "single", c.batch))
    c.time_over_single = joint_ratio(times(c), times(*single));
  if (const LayoutCase* data = find_case(n, "data", c.batch)) c.time_over_data = joint_ratio(times(c), times(*data));
  c.predicted_cpu_s = 0.0;
  for (const LayoutRank& r : c.ranks) c.predicted_cpu_s += r.cpu_s;
  const bool known = part.joules_per_cpu_s.known;
  const Figure& each = part.joules_per_cpu_s.joules;
  c.energy_J = known ? scaled(each, c.cpu_s.value, "J") : Figure{NAN, "J", NAN, NAN, 0.95, {}, "unknown"};
  c.predicted_J = known ? each.value * c.predicted_cpu_s : NAN;
  c.time_deviation = c.predicted_time_s / c.time_s.value - 1.0;
  c.energy_deviation = c.predicted_cpu_s / c.cpu_s.value - 1.0;
}

double median_of(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v.empty() ? 0.0 : v[v.size() / 2];
}

void conclude_deviations(LayoutsRecord& r) {
  std::vector<double> time, energy;
  for (const LayoutPart& part : r.parts)
    for (const LayoutNetwork& n : part.networks)
      for (const LayoutCase& c : n.cases) {
        time.push_back(std::abs(c.time_deviation));
        energy.push_back(std::abs(c.energy_deviation));
      }
  const auto within = [](const std::vector<double>& v) {
    return static_cast<std::uint64_t>(std::count_if(v.begin(), v.end(), [](double d) { return d <= goal; }));
  };
  r.cases = time.size();
  if (time.empty()) return;
  r.worst_time_deviation = *std::max_element(time.begin(), time.end());
  r.worst_energy_deviation = *std::max_element(energy.begin(), energy.end());
  r.median_time_deviation = median_of(time);
  r.median_energy_deviation = median_of(energy);
  r.within_20_percent = within(time);
  r.energy_within_20_percent = within(energy);
}

/// Compares the best model-parallel layout with the best of one process and split rows. What lies where the rows are
/// from the start (shards) is another question and does not take part.
void add_width(LayoutPaysIn& pays, std::uint64_t widen, const LayoutNetwork& n, std::uint64_t batch,
               std::vector<double> (*values)(const LayoutCase&)) {
  const LayoutCase* best = nullptr;
  const LayoutCase* other = nullptr;
  const auto better = [&](const LayoutCase& c, const LayoutCase* than) {
    return than == nullptr || median_of(values(c)) < median_of(values(*than));
  };
  for (const LayoutCase& c : n.cases) {
    if (c.batch != batch || c.trials.empty() || c.layout == "shards") continue;
    if (c.model_parallel && better(c, best)) best = &c;
    if (!c.model_parallel && better(c, other)) other = &c;
  }
  if (best == nullptr || other == nullptr) return;
  const Figure gain = joint_ratio(values(*other), values(*best));
  if (gain.low > 1.0) pays.widths.push_back(widen);
  if (pays.layout.empty() || gain.value > pays.gain) {
    pays.layout = best->layout;
    pays.width = widen;
    pays.gain = gain.value;
  }
}

/// The row of this network and batch, in the order in which they are first met.
LayoutPays& row_of(std::vector<LayoutPays>& rows, const std::string& network, std::uint64_t batch) {
  for (LayoutPays& row : rows)
    if (row.network == network && row.batch == batch) return row;
  LayoutPays& row = rows.emplace_back();
  row.network = network;
  row.batch = batch;
  return row;
}

void conclude_pays(LayoutsRecord& r) {
  r.pays.clear();
  for (const LayoutPart& part : r.parts)
    for (const LayoutNetwork& n : part.networks)
      for (const LayoutCase& c : n.cases) {
        if (c.layout != "single") continue;
        LayoutPays& pays = row_of(r.pays, n.name, c.batch);
        pays.ranks = r.ranks;
        add_width(pays.time, part.widen, n, c.batch, times);
        add_width(pays.energy, part.widen, n, c.batch, cpu_times);
      }
  std::erase_if(r.pays, [](const LayoutPays& p) { return p.time.layout.empty(); });
}

}  // namespace

void conclude(LayoutsRecord& record) {
  for (LayoutPart& part : record.parts)
    for (LayoutNetwork& n : part.networks)
      for (LayoutCase& c : n.cases)
        if (!c.trials.empty()) conclude_case(c, n, part);
  conclude_deviations(record);
  conclude_pays(record);
  extrapolate(record);
}

}  // namespace haywatt::experiment
