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

RunRecord figures(const Machine& m, const Timeline& t, const RunIdentity& who) {
  RunRecord run;
  run.phases = {{"encode", 4.0, 6.0, {}}, {"other", 6.0, 2.0, {}}};
  add_figures(estimate_source(t, m, {}, who), {{"encode", 1}, {"other", other_phase}}, run);
  return run;
}

const EnergyFigure& find(const std::vector<EnergyFigure>& list, const std::string& share, const std::string& rule) {
  const auto it =
      std::find_if(list.begin(), list.end(), [&](const EnergyFigure& e) { return e.share == share && e.rule == rule; });
  if (it == list.end()) throw std::runtime_error("no figure " + share + " " + rule);
  return *it;
}

TEST(VirtualMachine, ByHand) {
  // EPYC Zen 2/3: 0.43 W idle, 1.35 W busy a hardware thread.
  const RunRecord run = figures(guest("zen3"), ten_seconds(), {"m", "r", "zstd"});
  const EnergyFigure& attributed = find(run.energy, "process-tree", "attributed");
  EXPECT_NEAR(attributed.joules.value, 4 * 10 * 0.43 + 8 * 1.35, 1e-9);
  EXPECT_NEAR(find(run.energy, "process-tree", "marginal").joules.value, 8 * 1.35, 1e-9);
  EXPECT_NEAR(find(run.energy, "machine", "").joules.value, 4 * 10 * 0.43 + 20 * 1.35, 1e-9);
  EXPECT_EQ(attributed.sensor, "estimate");
  EXPECT_EQ(attributed.boundary, "wall");
  EXPECT_EQ(attributed.tier, "VM");
  EXPECT_NE(attributed.note.find("CPU seconds"), std::string::npos);
  const auto& phases = run.phases;
  EXPECT_NEAR(find(phases[0].energy, "phase", "attributed").joules.value, 4 * 4 * 0.43 + 6 * 1.35, 1e-9);
  for (const char* rule : {"marginal", "attributed"})
    EXPECT_NEAR(find(phases[0].energy, "phase", rule).joules.value + find(phases[1].energy, "phase", rule).joules.value,
                find(run.energy, "process-tree", rule).joules.value, 1e-9);
}

TEST(VirtualMachine, QuotaAllotsPartOfTheIdlePower) {
  Machine m = guest("zen3");
  m.cpu_quota = 1.5;
  const RunRecord run = figures(m, ten_seconds(), {"m", "r", "zstd"});
  EXPECT_NEAR(find(run.energy, "process-tree", "attributed").joules.value, 1.5 * 10 * 0.43 + 8 * 1.35, 1e-9);
}

TEST(VirtualMachine, MarginalIntervalByHand) {
  // Busy 1.02..1.75 W, host load 0.65..1.75, workload 2: F = exp sqrt of the sum of their squared logarithms.
  const RunRecord run = figures(guest("zen2"), ten_seconds(), {"m", "r", "zstd"});
  const Figure& f = find(run.energy, "process-tree", "marginal").joules;
  const double ln = std::sqrt(std::pow(std::log(1.75 / 1.02) / 2, 2) + std::pow(std::log(1.75 / 0.65) / 2, 2) +
                              std::pow(std::log(2.0), 2));
  EXPECT_NEAR(std::log(f.high / f.value), ln, 0.001);
}

TEST(VirtualMachine, GroupsByArchitecture) {
  EXPECT_EQ(thread_power(guest("zen1")).group, "AMD EPYC");
  EXPECT_EQ(thread_power(guest("zen3")).group, "EPYC Zen 2/3");
  EXPECT_EQ(thread_power(guest("zen5")).group, "EPYC 9004/9005");
  EXPECT_EQ(thread_power(guest("icelake-x", "GenuineIntel")).group, "Intel");
  EXPECT_EQ(thread_power(guest("sapphirerapids", "GenuineIntel")).group, "Xeon 84xx/85xx");
  EXPECT_EQ(thread_power(guest("", "ARM")).group, "all servers");
  const ThreadPower zen5 = thread_power(guest("zen5")), xeon = thread_power(guest("emeraldrapids", "GenuineIntel"));
  EXPECT_NEAR(zen5.idle_W + zen5.busy_W, std::sqrt(1.0 * 2.2), 1e-9);
  EXPECT_NEAR(xeon.idle_W + xeon.busy_W, std::sqrt(3.1 * 4.8), 1e-9);
  EXPECT_GT(zen5.u_busy, thread_power(guest("zen3")).u_busy);
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

TEST(BareMetal, KnownCpuIsTierT2c) {
  Machine m = guest("cascadelake", "GenuineIntel");
  m.virtual_machine = false;
  m.cpu_name = "Intel(R) Xeon(R) Gold 6248 CPU @ 2.50GHz";
  m.sockets = 2;
  m.physical_cores = 40;
  m.logical_cpus = 80;
  m.cpu_quota = 80;
  const RunRecord run = figures(m, ten_seconds(), {"m", "r", "zstd"});
  // ln idle = 0.7327 + 0.3353 ln 300 + 0.4066 ln 40, ln full = 1.4619 + 0.4429 ln 300 + 0.4948 ln 40.
  const double idle = std::exp(0.7327 + 0.3353 * std::log(300.0) + 0.4066 * std::log(40.0));
  const double full = std::exp(1.4619 + 0.4429 * std::log(300.0) + 0.4948 * std::log(40.0));
  const double load = 20.0 / (10.0 * 80.0);  // 2.5 %: a quarter of the way to s(0.1) = 0.1775
  const double power = idle + (full - idle) * 0.1775 * load * 10;
  const EnergyFigure& marginal = find(run.energy, "process-tree", "marginal");
  EXPECT_EQ(marginal.tier, "T2c");
  EXPECT_NEAR(find(run.energy, "machine", "").joules.value, power * 10.0, 1e-6);
  EXPECT_NEAR(marginal.joules.value, (power - idle) * 10.0 * 8.0 / 20.0, 1e-6);
  EXPECT_NEAR(find(run.energy, "process-tree", "attributed").joules.value, power * 10.0 * 8.0 / 20.0, 1e-6);
  EXPECT_NEAR(marginal.joules.high / marginal.joules.value, 2.955, 0.005);  // "about 3"
}

TEST(BareMetal, LessKnownMeansALowerTier) {
  Machine m = guest("zen3");
  m.physical_cores = 64;
  const auto t3a = server_model(m, std::nullopt);
  EXPECT_EQ(t3a.tier, "T3a");
  EXPECT_NEAR(t3a.idle_W, std::exp(1.6699 + 0.6737 * std::log(64.0) - 0.1875), 0.01);
  EXPECT_NEAR(t3a.full_W, std::exp(2.6998 + 0.8476 * std::log(64.0) - 0.6553), 0.01);
  m.cpu_vendor = "ARM";
  const auto t3b = server_model(m, 100.0);
  EXPECT_EQ(t3b.tier, "T3b");
  EXPECT_EQ(t3b.factor, 2.4);
  EXPECT_NEAR(t3b.full_W, std::exp(2.9058 + 0.7531 * std::log(64.0)), 0.01);
  EXPECT_GT(server_model(Machine{}, std::nullopt).full_W, 0.0);
}

TEST(BareMetal, CurveIsThePublishedOne) {
  EXPECT_EQ(server_curve(0.0), 0.0);
  EXPECT_EQ(server_curve(1.0), 1.0);
  EXPECT_NEAR(server_curve(0.5), 0.447, 0.001);
  EXPECT_NEAR(server_curve(0.05), 0.0888, 0.001);
  EXPECT_EQ(server_curve(7.0), 1.0);
  EXPECT_EQ(server_curve(-1.0), 0.0);
}

TEST(Tdp, NamesAsLinuxWritesThem) {
  EXPECT_EQ(tdp_of("Intel(R) Xeon(R) Gold 6130 CPU @ 2.10GHz"), 125.0);
  EXPECT_EQ(tdp_of("Intel(R) Xeon(R) CPU E5-2680 v4 @ 2.40GHz"), 120.0);
  EXPECT_EQ(tdp_of("AMD EPYC 7763 64-Core Processor"), 280.0);
  EXPECT_EQ(tdp_of("AMD Ryzen 9 5950X 16-Core Processor"), 105.0);
  EXPECT_EQ(tdp_of("Intel(R) Core(TM) i7-8700K CPU @ 3.70GHz"), 95.0);
  EXPECT_EQ(tdp_of("11th Gen Intel(R) Core(TM) i7-11700K @ 3.60GHz"), 125.0);
  EXPECT_EQ(tdp_of("AMD Ryzen 7 PRO 4750G with Radeon Graphics"), 65.0);
  EXPECT_EQ(tdp_of("AMD EPYC"), std::nullopt);  // masked in a guest
  EXPECT_EQ(tdp_of(""), std::nullopt);
  EXPECT_EQ(tdp_of("cpu"), std::nullopt);  // the table's head
  EXPECT_EQ(tdp_of(std::string(100'000, '(')), std::nullopt);
}

}  // namespace
}  // namespace haywatt::meter
