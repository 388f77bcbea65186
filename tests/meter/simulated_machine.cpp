#include "meter/simulated_machine.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>

#include "haywatt_test_paths.hpp"
#include "meter/one_channel_sensor.hpp"
#include "meter/sensors/counter.hpp"

namespace haywatt::meter::test {
namespace {

constexpr double slow_s = 1.0, least_border_s = 0.005, sample_s = 0.1;

std::int64_t ns(double s) { return static_cast<std::int64_t>(std::llround(s * 1e9)); }

/// idle/full and the power curve of published servers of 2015 and later: share/energy/uarch_power.csv.
std::vector<std::vector<double>> published_curves() {
  std::ifstream in(std::string(HAYWATT_SOURCE_DIR) + "/share/energy/uarch_power.csv");
  std::vector<std::vector<double>> rows;
  std::string line;
  std::getline(in, line);
  while (std::getline(in, line)) {
    std::istringstream fields(line);
    std::vector<std::string> f;
    for (std::string each; std::getline(fields, each, ',');) f.push_back(each);
    if (f.size() < 20 || std::stoi(f[4]) < 2012) continue;
    std::vector<double> row = {std::stod(f[7]), 0.0};
    for (std::size_t i = 10; i < 20; ++i) row.push_back(std::stod(f[i]));
    rows.push_back(row);  // idle/full, s(0), s(0.1), ...
  }
  return rows;
}

SensorChannel channel_of(SensorKind kind, double limit_W) {
  SensorChannel c;
  switch (kind) {
    case SensorKind::Rapl:
      c.boundary = "package";
      c.gain_u_rel = 0.05;
      c.update_period_s = 1e-3;
      c.resolution_J = 61e-6;
      break;
    case SensorKind::NvmlEnergy:
      c.boundary = "board";
      c.gain_u_rel = 0.025;
      c.update_period_s = 0.1;
      c.resolution_J = 1e-3;
      break;
    case SensorKind::NvmlInstant:
      c.boundary = "board";
      c.gain_u_rel = 0.025;
      c.update_period_s = 0.1;
      c.resolution_J = 1e-3;
      c.window_share = 0.25;
      c.window_s = 0.025;
      c.integrated_power = true;
      c.limit_W = limit_W;
      break;
    case SensorKind::Bmc:
      c.boundary = "node";
      c.gain_u_rel = 0.05;
      c.update_period_s = 1.0;
      c.resolution_J = 1.0;
      c.integrated_power = true;
      break;
  }
  return c;
}

}  // namespace

std::string name_of(SensorKind kind) {
  switch (kind) {
    case SensorKind::Rapl:
      return "RAPL package";
    case SensorKind::NvmlEnergy:
      return "NVML energy";
    case SensorKind::NvmlInstant:
      return "NVML instant";
    case SensorKind::Bmc:
      return "BMC, 1 s";
  }
  return {};
}

std::string name_of(Story story) {
  switch (story) {
    case Story::LongPhases:
      return "long phases";
    case Story::ShortPhases:
      return "short phases";
    case Story::Locked:
      return "locked load";
  }
  return {};
}

double SimulatedMachine::uniform(double low, double high) {
  return std::uniform_real_distribution<double>(low, high)(random_);
}
double SimulatedMachine::normal() { return std::normal_distribution<double>()(random_); }

SimulatedMachine::SimulatedMachine(SensorKind kind, std::uint64_t seed) : kind_(kind), random_(seed) {
  static const auto curves = published_curves();
  const auto& row = curves[random_() % curves.size()];
  curve_.assign(row.begin() + 1, row.end());
  machine_.id = "m" + std::to_string(seed);
  machine_.logical_cpus = 1 << (2 + static_cast<int>(random_() % 5));
  machine_.physical_cores = random_() % 2 == 0 ? machine_.logical_cpus / 2 : machine_.logical_cpus;
  machine_.paired_cpus = machine_.physical_cores < machine_.logical_cpus ? machine_.logical_cpus : 0;
  cpus_ = machine_.logical_cpus;
  full_W_ = cpus_ * uniform(3.0, 8.0);
  idle_W_ = full_W_ * row[0] * std::exp(0.2 * normal());
  if (is_gpu()) {
    cpus_ = 1.0;
    limit_W_ = uniform(250.0, 700.0);
    full_W_ = limit_W_ * uniform(0.6, 1.0);
    idle_W_ = limit_W_ * uniform(0.08, 0.2);
    for (std::size_t i = 0; i < curve_.size(); ++i) curve_[i] = 0.1 * static_cast<double>(i);
  }
  const SensorChannel c = channel_of(kind, limit_W_);
  // Board gains are published as ±5 % at 95 %; RAPL's and the BMC's are taken as wide as declared.
  gain_ = std::exp(c.gain_u_rel * normal());
  period_s_ = kind == SensorKind::NvmlEnergy ? uniform(0.02, 0.1) : c.update_period_s;
  others_price_ = std::exp(std::log(1.3) / 1.96 * normal());
}

double SimulatedMachine::curve(double load) const {
  const double at = std::clamp(load, 0.0, 1.0) * 10.0;
  const auto i = std::min<std::size_t>(static_cast<std::size_t>(at), 9);
  return curve_[i] + (at - static_cast<double>(i)) * (curve_[i + 1] - curve_[i]);
}

/// The program's part above idle lies between what it would draw first on an idle machine and what it adds as the last.
void SimulatedMachine::add_power(Segment& s, double own_price, double others_price, double order) const {
  const double busy = s.own + s.others, range_W = full_W_ - idle_W_;
  const double mixed = busy > 0.0 ? (s.own * own_price + s.others * others_price) / busy : 1.0;
  const double above_W = range_W * curve(busy / cpus_) * mixed;
  const double own_first_W = range_W * curve(s.own / cpus_) * own_price;
  const double others_first_W = range_W * curve(s.others / cpus_) * others_price;
  s.watts = idle_W_ + above_W;
  s.own_W = std::clamp(order * own_first_W + (1.0 - order) * (above_W - others_first_W), 0.0, above_W);
}

std::vector<SimulatedMachine::Segment> SimulatedMachine::segments(Story story, const std::string& method) {
  const double length_s = std::exp(uniform(std::log(story == Story::ShortPhases ? 6.0 : 2.0), std::log(40.0)));
  const double threads = is_gpu() ? uniform(0.3, 1.0) : std::ceil(uniform(0.0, 1.0) * cpus_);
  const double spread = std::log(1.3) / 1.96;  // of what a CPU second costs in different programs
  if (!prices_.contains(method)) prices_[method] = std::exp(spread * normal());
  const bool shared = random_() % 2 == 0;
  // Siblings of a core that share it cost less: at worst ours all do and theirs none, or the other way round.
  const double q = std::min(threads / cpus_, 1.0),
               sibling = machine_.physical_cores < machine_.logical_cpus && !is_gpu() && shared
                             ? std::exp(uniform(-0.5, 0.5) * std::log(1.0 / 0.6) * 2.0 * std::sqrt(q * (1 - q)))
                             : 1.0;
  const double order = uniform(0.0, 1.0);
  std::vector<double> phase_price, phase_busy;
  const PhaseId phases = story == Story::Locked ? 1 : story == Story::ShortPhases ? 2 : 1 + random_() % 4;
  for (PhaseId p = 0; p < phases; ++p) {
    phase_price.push_back(prices_[method] * sibling * std::exp(0.5 * spread * normal()));
    phase_busy.push_back(p == 0 ? threads : threads * uniform(0.2, 1.0));
  }
  const double free = std::max(cpus_ - threads, 0.0);
  double others = 0.0, next_others_s = 0.0;
  const double background = is_gpu() ? 0.0 : 0.002 * cpus_;
  std::vector<Segment> list;
  double t = 0.0;
  const double duty = uniform(0.2, 0.9);
  // "Exactly the sensor's period": of the instant sensor its window is then always in the same part of the cycle.
  double locked_t = 0.0;
  bool on = true;
  PhaseId phase = 1;
  while (t < length_s) {
    double step_s = 0.0;
    double busy = 0.0;
    if (story == Story::Locked) {
      const double cycle = kind_ == SensorKind::Rapl ? 0.01 : period_s_;
      step_s = cycle * (on ? duty : 1.0 - duty);
      busy = on ? phase_busy[0] : 0.0;
      on = !on;
      locked_t += step_s;
    } else {
      step_s = story == Story::ShortPhases ? std::exp(uniform(std::log(0.005), std::log(0.3)))
                                           : uniform(0.5, 1.0) * length_s / phases;
      phase = static_cast<PhaseId>(1 + (list.size() % phases));
      busy = phase_busy[phase - 1];
    }
    step_s = std::min(step_s, length_s - t);
    // A step longer than a second is cut so that other tenants come and go within it.
    while (step_s > 0.0) {
      if (shared && t >= next_others_s) {
        others = uniform(0.0, 1.0) * free;
        next_others_s = t + uniform(0.5, 8.0);
      }
      const double cut_s = story == Story::Locked ? step_s : std::min(step_s, 0.5);
      Segment s{t, t + cut_s, phase, busy, others + background, 0.0, 0.0, 0.0};
      add_power(s, phase_price[phase - 1], others_price_, order);
      list.push_back(s);
      t += cut_s;
      step_s -= cut_s;
      if (length_s - t < 1e-9) t = length_s;
    }
  }
  return list;
}

double SimulatedMachine::energy_at(const std::vector<Segment>& list, double t_s) const {
  // Before the run the machine was idle but for the others.
  if (t_s < 0.0) {
    Segment before = list.front();
    before.own = 0.0;
    add_power(before, 1.0, others_price_, 0.0);
    return t_s * before.watts;
  }
  const auto after =
      std::upper_bound(list.begin(), list.end(), t_s, [](double t, const Segment& s) { return t < s.from_s; });
  const Segment& s = *(after - 1);
  return s.energy_J + (t_s - s.from_s) * s.watts;
}

SimulatedRun SimulatedMachine::run(Story story, const std::string& method, bool watched) {
  auto list = segments(story, method);
  SimulatedRun out;
  out.shared = std::any_of(list.begin(), list.end(), [this](const Segment& s) { return s.others > 0.01 * cpus_; });
  const std::vector<std::string> names = {"other", "one", "two", "three", "four"};
  double energy = 0.0;
  for (Segment& s : list) {
    s.energy_J = energy;
    energy += (s.to_s - s.from_s) * s.watts;
    out.run.marginal += (s.to_s - s.from_s) * s.own_W;
    out.phases[names[s.phase]].marginal += (s.to_s - s.from_s) * s.own_W;
  }
  out.machine_J = energy;
  const double end_s = list.back().to_s;

  // When it is read: once a second and at borders of phases, as Readings does.
  struct Moment {
    double t_s;
    bool slow;
  };
  std::vector<Moment> moments = {{0.0, true}};
  for (double t = slow_s; t < end_s - 1e-3; t += slow_s) moments.push_back({t + uniform(0.0, 2e-3), true});
  for (const Segment& s : list)
    if (s.from_s > 0.0 && s.phase != (&s - 1)->phase) moments.push_back({s.from_s, false});
  moments.push_back({end_s, true});
  std::sort(moments.begin(), moments.end(), [](const Moment& a, const Moment& b) { return a.t_s < b.t_s; });
  std::vector<Moment> kept;
  for (const Moment& m : moments)
    if (m.slow || m.t_s - kept.back().t_s >= least_border_s) kept.push_back(m);

  // Clocks and phases between readings.
  Timeline timeline, exact;
  double own_s = 0.0, busy_s = 0.0;
  std::size_t at = 0;
  double t = 0.0;
  const double told_noise = uniform(-0.02, 0.02);
  std::vector<double> told;
  double own_before = 0.0, busy_before = 0.0;
  for (std::size_t m = 0; m < kept.size(); ++m) {
    std::map<PhaseId, PhaseUse> uses;
    while (t < kept[m].t_s && at < list.size()) {
      const Segment& s = list[at];
      const double until = std::min(kept[m].t_s, s.to_s), dt = until - t;
      PhaseUse& u = uses[s.phase];
      u.phase = s.phase;
      u.wall_ns += dt * 1e9;
      u.cpu_ns += dt * s.own * 1e9;
      own_s += dt * s.own;
      busy_s += dt * (s.own + s.others);
      t = until;
      if (until >= s.to_s) ++at;
    }
    if (m > 0) {
      Slice& slice = timeline.slices.emplace_back();
      for (const auto& [id, u] : uses) slice.push_back(u);
    }
    const double ticks_s = std::floor(busy_s * 100.0) / 100.0, unread = std::numeric_limits<double>::quiet_NaN();
    timeline.readings.push_back({ns(kept[m].t_s), ns(own_s), kept[m].slow ? ticks_s : unread, kept[m].slow});
    exact.readings.push_back({ns(kept[m].t_s), ns(own_s), kept[m].slow ? busy_s : unread, kept[m].slow});
    told.push_back(unread);
    if (!kept[m].slow || m == 0) continue;
    const double own = own_s - own_before, all = busy_s - busy_before, x = all > 0.0 ? own / all : 0.0;
    told.back() = x >= 1.0 ? 1.0 : std::clamp(x + told_noise, 0.0, 1.0);
    own_before = own_s;
    busy_before = busy_s;
  }
  exact.slices = timeline.slices;
  if (!is_gpu()) told.clear();

  // The attributed rule adds, by its definition, the true idle power for the time that it gives to each.
  const double idle_W = idle_W_;
  std::vector<double> true_told;
  if (is_gpu())
    for (std::size_t i = 0; i < told.size(); ++i) true_told.push_back(std::isnan(told[i]) ? told[i] : 0.0);
  if (is_gpu()) {
    double own_then = 0.0, busy_then = 0.0;
    for (std::size_t i = 1; i < exact.readings.size(); ++i) {
      if (!exact.readings[i].slow) continue;
      const double own = static_cast<double>(exact.readings[i].process_cpu_ns) * 1e-9;
      const double d = exact.readings[i].machine_busy_s - busy_then;
      true_told[i] = d > 0.0 ? (own - own_then) / d : 0.0;
      own_then = own;
      busy_then = exact.readings[i].machine_busy_s;
    }
  }
  const Shares by_definition =
      share_out(exact, std::vector<double>(kept.size(), 0.0), std::numeric_limits<double>::quiet_NaN(), true_told);
  out.run.attributed = out.run.marginal + idle_W * by_definition.run.idle_s;
  for (const auto& [id, parts] : by_definition.phases)
    out.phases[names[id]].attributed = out.phases[names[id]].marginal + idle_W * parts.idle_s;

  // What the sensor shows at those moments.
  const SensorChannel channel = channel_of(kind_, limit_W_);
  const OneChannelSensor sensor(kind_ == SensorKind::Bmc ? "dcmi" : is_gpu() ? "nvml" : "rapl-powercap", channel);
  std::vector<double> joules;
  PowerSpread spread;
  const double phase_s = uniform(0.0, period_s_), delay_s = kind_ == SensorKind::Bmc ? uniform(0.0, 0.3) : 0.0;
  if (!channel.integrated_power) {
    double first = 0.0;
    for (std::size_t m = 0; m < kept.size(); ++m) {
      // The last update before the reading, a little early or late.
      double update_s = kept[m].t_s - uniform(0.0, period_s_);
      if (period_s_ > least_border_s) {
        const double k = std::floor((kept[m].t_s - phase_s) / period_s_);
        update_s = phase_s + k * period_s_ + 0.05 * period_s_ * std::sin(7.1 * k);
        if (update_s > kept[m].t_s) update_s -= period_s_;
      }
      const double shown = std::floor(gain_ * energy_at(list, update_s) / channel.resolution_J) * channel.resolution_J;
      if (m == 0) first = shown;
      joules.push_back(std::max(shown - first, joules.empty() ? 0.0 : joules.back()));
    }
  } else {
    PowerIntegral integral;
    const double window_s = kind_ == SensorKind::Bmc ? 1.0 : channel.window_s;
    const double place_s = uniform(0.0, period_s_ - std::min(window_s, period_s_));
    const auto shown_W = [&](double when_s) {
      const double k = std::floor((when_s - delay_s - phase_s) / period_s_);
      const double to_s = phase_s + k * period_s_ - (kind_ == SensorKind::Bmc ? 0.0 : place_s);
      const double watts = gain_ * (energy_at(list, to_s) - energy_at(list, to_s - window_s)) / window_s;
      return kind_ == SensorKind::Bmc ? std::round(watts) : watts * (1.0 + 0.005 * std::sin(1e3 * k));
    };
    double next_sample_s = 0.0, ticked_J = 0.0, ticked_s = 0.0;
    for (const Moment& m : kept) {
      for (; next_sample_s < m.t_s; next_sample_s += sample_s) {
        integral.add(next_sample_s, shown_W(next_sample_s));
        const double now = integral.joules(next_sample_s);
        if (next_sample_s > 0.0) spread.add((now - ticked_J) / (next_sample_s - ticked_s));
        ticked_J = now;
        ticked_s = next_sample_s;
      }
      integral.add(m.t_s, shown_W(m.t_s));
      joules.push_back(integral.joules(m.t_s));
    }
  }

  // The watch before: the machine is cooler or warmer then than in the run.
  std::vector<IdleSecond> idle;
  if (watched) {
    const double then_W = idle_W * (1.0 + uniform(-0.05, 0.05));
    const double background = is_gpu() ? 0.0 : 0.002 * cpus_;
    const double watts = then_W + (full_W_ - idle_W_) * curve(background / cpus_) * others_price_;
    double lag_s = uniform(0.0, std::min(period_s_, 1.0));
    for (int i = 0; i < 5; ++i) {
      const double next_lag_s = uniform(0.0, std::min(period_s_, 1.0));
      idle.push_back({gain_ * watts * (1.0 + lag_s - next_lag_s) * (1.0 + 0.01 * normal()), 1.0, background});
      lag_s = next_lag_s;
    }
  }

  const RunIdentity who{machine_.id, machine_.id + "r" + std::to_string(runs_++), method};
  out.source = sensor_source(sensor, 0, timeline, {joules, told, idle, spread}, machine_, who);
  std::map<std::string, PhaseId> numbers;
  for (PhaseId id = 0; id < names.size(); ++id) numbers[names[id]] = id;
  for (const auto& [name, truth] : out.phases) {
    PhaseRecord& p = out.record.phases.emplace_back();
    p.name = name;
    p.wall_s = 0.0;
  }
  add_figures(out.source, numbers, out.record);
  return out;
}

}  // namespace haywatt::meter::test
