#include "meter/server_model.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "haywatt/base/text.hpp"
#include "haywatt_test_paths.hpp"
#include "meter/cpu_names.hpp"

namespace haywatt::meter {
namespace {

Machine machine_of(const std::string& cpu, const std::string& vendor, const std::string& uarch, int sockets, int cores,
                   double memory_GiB) {
  Machine m;
  m.cpu_name = cpu;
  m.cpu_vendor = vendor;
  m.micro_architecture = uarch;
  m.sockets = sockets;
  m.physical_cores = cores;
  m.logical_cpus = 2 * cores;
  m.memory_B = static_cast<std::uint64_t>(memory_GiB * 1024 * 1024 * 1024);
  return m;
}

/// The fit's script computes these from the committed tables on its own.
TEST(ServerModel, AgreesWithTheFit) {
  std::ifstream in(HAYWATT_SOURCE_DIR "/tests/golden/energy/server_model.csv");
  std::string line;
  std::getline(in, line);
  int rows = 0;
  while (std::getline(in, line)) {
    SCOPED_TRACE(line);
    const auto f = split(line, ',');
    ASSERT_EQ(f.size(), 19U);
    const auto number = [&](std::size_t i) { return parse_double(f[i]).value(); };
    const Machine m = machine_of(f[0], f[1], f[2], static_cast<int>(number(3)), static_cast<int>(number(4)), number(5));
    EstimateOptions known;
    known.tdp_W = parse_double(f[6]);
    known.idle_W = parse_double(f[7]);
    const ServerModel model = server_model(m, known);
    EXPECT_EQ(model.tier, f[8]);
    EXPECT_NEAR(model.idle_W / number(9), 1.0, 1e-4);
    EXPECT_NEAR(model.full_W / number(10), 1.0, 1e-4);
    std::size_t at = 11;
    for (const double u : {0.0, 0.05, 0.33, 1.0}) {
      EXPECT_NEAR(model.watts(u) / number(at), 1.0, 1e-4) << u;
      EXPECT_NEAR(model.u_ln(u), number(at + 1), 1e-4) << u;
      at += 2;
    }
    ++rows;
  }
  EXPECT_GE(rows, 12);
}

TEST(ServerModel, TierByWhatIsKnown) {
  const auto tier = [](const Machine& m, EstimateOptions known = {}) { return server_model(m, known).tier; };
  EXPECT_EQ(tier(machine_of("AMD EPYC 7742 64-Core Processor", "AuthenticAMD", "zen2", 2, 128, 256)), "T1");
  EXPECT_EQ(tier(machine_of("AMD EPYC 7742 64-Core Processor", "AuthenticAMD", "zen2", 2, 128, 0)), "T2b");
  EXPECT_EQ(tier(machine_of("AMD EPYC 7543 32-Core Processor", "AuthenticAMD", "zen3", 2, 64, 256)), "T2b");
  EXPECT_EQ(tier(machine_of("AMD EPYC 7543 32-Core Processor", "AuthenticAMD", "", 2, 64, 256)), "T2c");
  EXPECT_EQ(tier(machine_of("AMD EPYC", "AuthenticAMD", "zen3", 2, 64, 256)), "T3a");
  EXPECT_EQ(tier(machine_of("AMD EPYC", "AuthenticAMD", "zen3", 2, 64, 256), {225.0, {}}), "T2b");
  EXPECT_EQ(tier(machine_of("AMD EPYC", "AuthenticAMD", "zen5", 2, 64, 256), {225.0, {}}), "T2c");
  EXPECT_EQ(tier(machine_of("x", "ARM", "", 2, 64, 256), {225.0, {}}), "T3b");
  EXPECT_EQ(tier(Machine{}), "T3b");
}

TEST(ServerModel, PowerRisesWithLoadAndIntervalsWithIgnorance) {
  const Machine known = machine_of("AMD EPYC 7742 64-Core Processor", "AuthenticAMD", "zen2", 2, 128, 256);
  Machine masked = known;
  masked.cpu_name = "AMD EPYC";
  const ServerModel t1 = server_model(known, {}), t2b = server_model(masked, {225.0, {}}),
                    t3a = server_model(masked, {});
  for (int i = 0; i < 100; ++i) EXPECT_LE(t1.watts(i / 100.0), t1.watts((i + 1) / 100.0));
  EXPECT_LT(t1.u_ln(0.5), t2b.u_ln(0.5));
  EXPECT_LT(t2b.u_ln(0.5), t3a.u_ln(0.5));
}

TEST(ServerModel, KnownIdlePowerIsKeptAndNarrows) {
  const Machine m = machine_of("AMD EPYC", "AuthenticAMD", "zen3", 1, 64, 128);
  for (const double idle : {1.0, 30.0, 80.0, 200.0, 5000.0}) {
    const ServerModel model = server_model(m, {{}, idle});
    EXPECT_NEAR(model.watts(0.0), idle, 1e-9 * idle);
    EXPECT_NEAR(model.u_ln(0.0), 0.05 / 1.96, 1e-3);
    EXPECT_GE(model.full_W, 1.049 * idle);
  }
  EXPECT_LT(server_model(m, {{}, 80.0}).u_ln(0.3), server_model(m, {}).u_ln(0.3));
}

TEST(ServerModel, CurveIsTheBenchmarks) {
  EXPECT_EQ(server_curve(0.0), 0.0);
  EXPECT_EQ(server_curve(1.0), 1.0);
  EXPECT_NEAR(server_curve(0.5), 0.45, 0.02);
  EXPECT_NEAR(server_curve(0.05), 0.5 * server_curve(0.1), 1e-12);
  EXPECT_EQ(server_curve(7.0), 1.0);
  EXPECT_EQ(server_curve(-1.0), 0.0);
}

TEST(CpuNames, KeyAsLinuxWritesThem) {
  EXPECT_EQ(cpu_key("Intel(R) Xeon(R) Gold 6130 CPU @ 2.10GHz"), "xeongold6130");
  EXPECT_EQ(cpu_key("Intel(R) Xeon(R) CPU E5-2660 v2 @ 2.20GHz"), "xeone52660v2");
  EXPECT_EQ(cpu_key("Intel(R) Xeon(R) Platinum 8480+"), "xeonplatinum8480+");
  EXPECT_EQ(cpu_key("AMD EPYC 7742 64-Core Processor"), "epyc7742");
  EXPECT_EQ(cpu_key("Quad-Core AMD Opteron(tm) Processor 2384"), "opteron2384");
  EXPECT_EQ(cpu_key("AMD EPYC"), "");
  EXPECT_EQ(cpu_key("AMD EPYC Processor"), "");
  EXPECT_EQ(cpu_key(""), "");
}

TEST(CpuNames, ThermalDesignPower) {
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

TEST(ThreadPowers, ByMicroArchitectureThenVendor) {
  const auto power = [](const std::string& uarch, const std::string& vendor) {
    return thread_power(machine_of("masked", vendor, uarch, 1, 2, 4));
  };
  EXPECT_EQ(power("zen3", "AuthenticAMD").group, "zen3");
  EXPECT_EQ(power("zen5", "AuthenticAMD").group, "AMD server");
  EXPECT_EQ(power("graniterapids", "GenuineIntel").group, "Intel server");
  EXPECT_EQ(power("sierraforest", "GenuineIntel").group, "any server");
  EXPECT_EQ(power("", "ARM").group, "any server");
  EXPECT_LT(power("zen3", "AuthenticAMD").busy_W, power("icelake-x", "GenuineIntel").busy_W);
  EXPECT_LE(power("zen3", "AuthenticAMD").u_idle, power("zen5", "AuthenticAMD").u_idle)
      << "who knows less is not surer";
  EXPECT_LE(power("zen3", "AuthenticAMD").u_busy, power("zen5", "AuthenticAMD").u_busy);
  EXPECT_LT(power("zen5", "AuthenticAMD").u_busy, power("", "ARM").u_busy);
  for (const char* uarch : {"zen1", "zen2", "zen3", "zen4", "sapphirerapids", "haswell"}) {
    EXPECT_GT(power(uarch, "").idle_W, 0.1);
    EXPECT_GT(power(uarch, "").busy_W, 0.5);
  }
}

}  // namespace
}  // namespace haywatt::meter
