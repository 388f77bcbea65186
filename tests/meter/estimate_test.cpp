#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "meter/energy_source.hpp"
#include "meter/server_model.hpp"

namespace haywatt::meter {
namespace {

constexpr std::int64_t second = 1'000'000'000;

Machine guest(const std::string& architecture, const std::string& vendor = "AuthenticAMD") {
  Machine m;
  m.id = "m";
  m.cpu_vendor = vendor;
  m.micro_architecture = architecture;
  m.logical_cpus = 4;
  m.cpu_quota = 4;
  m.virtual_machine = true;
  return m;
}

/// 10 s on 4 CPUs, the machine used 20 CPU-s, we 8: 6 of them in phase 1 of 4 s, 2 in `other`.
Timeline ten_seconds() {
  return {{{0, 0, 100.0, true}, {10 * second, 8 * second, 120.0, true}}, {{{1, 4e9, 6e9}, {other_phase, 6e9, 2e9}}}};
}

RunRecord figures(const Machine& m, const Timeline& t, const RunIdentity& who, const EstimateOptions& known = {}) {
  RunRecord run;
  run.phases = {{"encode", 4.0, 6.0, {}}, {"other", 6.0, 2.0, {}}};
  add_figures(estimate_source(t, m, known, who), {{"encode", 1}, {"other", other_phase}}, run);
  return run;
}

const EnergyFigure& find(const std::vector<EnergyFigure>& list, const std::string& share, const std::string& rule) {
  const auto it =
      std::find_if(list.begin(), list.end(), [&](const EnergyFigure& e) { return e.share == share && e.rule == rule; });
  if (it == list.end()) throw std::runtime_error("no figure " + share + " " + rule);
  return *it;
}

TEST(VirtualMachine, ByHand) {
  const double idle = thread_power(guest("zen3")).idle_W, busy = thread_power(guest("zen3")).busy_W;
  const RunRecord run = figures(guest("zen3"), ten_seconds(), {"m", "r", "zstd"});
  const EnergyFigure& attributed = find(run.energy, "process-tree", "attributed");
  EXPECT_NEAR(attributed.joules.value, 4 * 10 * idle + 8 * busy, 1e-9);
  EXPECT_NEAR(find(run.energy, "process-tree", "marginal").joules.value, 8 * busy, 1e-9);
  EXPECT_NEAR(find(run.energy, "machine", "").joules.value, 4 * 10 * idle + 20 * busy, 1e-9);
  EXPECT_EQ(attributed.sensor, "estimate");
  EXPECT_EQ(attributed.boundary, "wall");
  EXPECT_EQ(attributed.tier, "VM");
  EXPECT_NE(attributed.note.find("CPU seconds"), std::string::npos);
  const auto& phases = run.phases;
  EXPECT_NEAR(find(phases[0].energy, "phase", "attributed").joules.value, 4 * 4 * idle + 6 * busy, 1e-9);
  for (const char* rule : {"marginal", "attributed"})
    EXPECT_NEAR(find(phases[0].energy, "phase", rule).joules.value + find(phases[1].energy, "phase", rule).joules.value,
                find(run.energy, "process-tree", rule).joules.value, 1e-9);
}

TEST(VirtualMachine, QuotaAllotsPartOfTheIdlePower) {
  Machine m = guest("zen3");
  m.cpu_quota = 1.5;
  const ThreadPower power = thread_power(m);
  const RunRecord run = figures(m, ten_seconds(), {"m", "r", "zstd"});
  EXPECT_NEAR(find(run.energy, "process-tree", "attributed").joules.value, 1.5 * 10 * power.idle_W + 8 * power.busy_W,
              1e-9);
}

TEST(VirtualMachine, MarginalIntervalByHand) {
  // Busy power, host load 0.65..1.75 and workload: F = exp(1.96 sqrt(sum of u^2)).
  const RunRecord run = figures(guest("zen2"), ten_seconds(), {"m", "r", "zstd"});
  const Figure& f = find(run.energy, "process-tree", "marginal").joules;
  const double ln = 1.96 * std::sqrt(std::pow(thread_power(guest("zen2")).u_busy, 2) +
                                     std::pow(std::log(1.75 / 0.65) / 3.92, 2) + std::pow(workload_u(), 2));
  EXPECT_NEAR(std::log(f.high / f.value), ln, 0.001);
}

TEST(VirtualMachine, RatioOfTwoMethodsKeepsOnlyWhatTheyDoNotShare) {
  const Machine m = guest("zen3");
  const auto a = find(figures(m, ten_seconds(), {"m", "r1", "zstd"}).energy, "process-tree", "marginal").joules;
  const auto b = find(figures(m, ten_seconds(), {"m", "r2", "lz4"}).energy, "process-tree", "marginal").joules;
  const auto again = find(figures(m, ten_seconds(), {"m", "r3", "zstd"}).energy, "process-tree", "marginal").joules;
  EXPECT_GT(a.high / a.value, 2.0);
  EXPECT_NEAR(std::log(ratio(a, b).high), std::sqrt(2.0) * std::log(1.3), 0.001);
  EXPECT_NEAR(ratio(a, again).high, 1.0, 1e-9);
}

Machine two_sockets() {
  Machine m = guest("cascadelake", "GenuineIntel");
  m.virtual_machine = false;
  m.cpu_name = "Intel(R) Xeon(R) Gold 6248 CPU @ 2.50GHz";
  m.sockets = 2;
  m.physical_cores = 40;
  m.logical_cpus = 80;
  m.cpu_quota = 80;
  return m;
}

TEST(BareMetal, IntegralOfTheModelSharedByCpuTime) {
  const Machine m = two_sockets();
  const ServerModel model = server_model(m, {});
  const RunRecord run = figures(m, ten_seconds(), {"m", "r", "zstd"});
  const double load = 20.0 / (10.0 * 80.0), power = model.watts(load);
  const EnergyFigure& marginal = find(run.energy, "process-tree", "marginal");
  EXPECT_EQ(marginal.tier, "T2b");
  EXPECT_NEAR(find(run.energy, "machine", "").joules.value, power * 10.0, 1e-6);
  EXPECT_NEAR(marginal.joules.value, (power - model.idle_W) * 10.0 * 8.0 / 20.0, 1e-6);
  EXPECT_NEAR(find(run.energy, "process-tree", "attributed").joules.value, power * 10.0 * 8.0 / 20.0, 1e-6);
}

TEST(BareMetal, IntervalsByHand) {
  const Machine m = two_sockets();
  const ServerModel model = server_model(m, {});
  const RunRecord run = figures(m, ten_seconds(), {"m", "r", "zstd"});
  const double load = 20.0 / (10.0 * 80.0);
  // Marginal: only what is above idle power. Machine: both, and the workload moves the upper part.
  const double u_marginal = std::hypot(at_load(model.spread.u_dynamic, load), workload_u());
  const double u_machine = std::hypot(model.u_ln(load), workload_u() * model.dynamic_W(load) / model.watts(load));
  const Figure& marginal = find(run.energy, "process-tree", "marginal").joules;
  const Figure& machine = find(run.energy, "machine", "").joules;
  EXPECT_NEAR(std::log(marginal.high / marginal.value), 1.96 * u_marginal, 0.002);
  EXPECT_NEAR(std::log(machine.high / machine.value), 1.96 * u_machine, 0.002);
}

TEST(BareMetal, WhatTheUserKnowsNarrows) {
  const Machine m = two_sockets();
  const auto width = [&](const EstimateOptions& known) {
    const RunRecord run = figures(m, ten_seconds(), {"m", "r", "zstd"}, known);
    const Figure& f = find(run.energy, "machine", "").joules;
    return f.high / f.low;
  };
  EXPECT_LT(width({{}, 120.0}), width({}));
  const RunRecord run = figures(m, ten_seconds(), {"m", "r", "zstd"}, {{}, 120.0});
  EXPECT_NE(find(run.energy, "machine", "").note.find("120 W idle"), std::string::npos);
}

}  // namespace
}  // namespace haywatt::meter
