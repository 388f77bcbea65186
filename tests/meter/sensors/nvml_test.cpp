#include "meter/sensors/nvml.hpp"

#include <dlfcn.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <random>

#include "haywatt/meter/sensor_survey.hpp"
#include "haywatt_test_paths.hpp"
#include "meter/sensors/nvml_board.hpp"
#include "meter/sensors/sensor_tree.hpp"
#include "stubs/nvml_stub.hpp"

namespace haywatt::meter {
namespace {

using haywatt::test::StubGpu;
using haywatt::test::StubNvml;
using test::FakeClock;
using test::fault;
using test::joules;

class Nvml : public ::testing::Test {
 protected:
  void SetUp() override {
    void* library = dlopen(HAYWATT_NVML_STUB, RTLD_NOW | RTLD_LOCAL);
    ASSERT_NE(library, nullptr) << dlerror();
    const auto get = reinterpret_cast<StubNvml* (*)()>(dlsym(library, "stub_nvml"));
    ASSERT_NE(get, nullptr);
    stub = get();
    *stub = StubNvml{};
    stub->gpus.resize(1);
  }
  [[nodiscard]] std::unique_ptr<EnergySensor> open(bool host_pids = true) const {
    return open_nvml(Machine{}, {HAYWATT_NVML_STUB, clock, host_pids});
  }
  StubGpu& gpu(std::size_t i = 0) { return stub->gpus.at(i); }
  /// Time in which every GPU draws its power and the sensor is read at 10 Hz.
  double run(EnergySensor& sensor, double seconds) {
    const int steps = static_cast<int>(std::lround(seconds * 10.0));
    double last = 0.0;
    for (int i = 0; i < steps; ++i) {
      clock.wait(0.1);
      for (StubGpu& g : stub->gpus) g.energy_mJ += g.power_mW / 10;
      last = joules(sensor, "board");
    }
    return last;
  }
  StubNvml* stub = nullptr;
  FakeClock clock;
};

TEST_F(Nvml, NoLibraryNoDriverNoGpuNoSensor) {
  EXPECT_EQ(open_nvml(Machine{}, {"/no/such/libnvidia-ml.so.1", clock, true}), nullptr);
  EXPECT_EQ(open_nvml(Machine{}, {"libm.so.6", clock, true}), nullptr) << "a library of something else";
  stub->init_result = 9;
  EXPECT_EQ(open(), nullptr);
  stub->init_result = 0;
  stub->gpus.clear();
  EXPECT_EQ(open(), nullptr);
  EXPECT_EQ(stub->starts - 1, stub->stops) << "what was started is stopped";
}

TEST_F(Nvml, ADriverThatDoesNotWorkIsUnknown) {
  stub->init_result = 18;
  const auto sensor = open();
  ASSERT_NE(sensor, nullptr);
  EXPECT_TRUE(std::isnan(joules(*sensor, "board")));
  EXPECT_EQ(fault(*sensor, "board"), "NVML does not start: Driver/library version mismatch");
  EXPECT_EQ(sensor->remedies().size(), 1U);
}

TEST_F(Nvml, CounterOnceASecondAndPowerInBetween) {
  const auto sensor = open();
  ASSERT_NE(sensor, nullptr);
  EXPECT_EQ(joules(*sensor, "board"), 0.0);
  const int asked = gpu().energy_reads;
  EXPECT_NEAR(run(*sensor, 0.9), 90.0, 1e-6) << "from power";
  EXPECT_EQ(gpu().energy_reads, asked) << "read more often, the counter of some boards falls short";
  gpu().energy_mJ += 7000;  // what the power did not show
  EXPECT_NEAR(run(*sensor, 0.2), 117.0, 1e-6);
  EXPECT_EQ(gpu().energy_reads, asked + 1);
  EXPECT_NEAR(run(*sensor, 10.0), 1117.0, 1e-6);
  EXPECT_EQ(fault(*sensor, "board"), "");
  const SensorChannel& c = sensor->channels()[0];
  EXPECT_FALSE(c.integrated_power);
  EXPECT_DOUBLE_EQ(c.window_share, 0.25) << "an H100";
  EXPECT_DOUBLE_EQ(c.limit_W, 350.0);
  EXPECT_EQ(c.source,
            "1 x NVIDIA H100 PCIe; nvmlDeviceGetTotalEnergyConsumption each second, in between and to check it field "
            "186 POWER_INSTANT");
}

TEST_F(Nvml, BoardsAreAdded) {
  stub->gpus.resize(3);
  gpu(1).power_mW = 50'000;
  gpu(2).name = "NVIDIA A30";
  gpu(2).architecture = 7;
  const auto sensor = open();
  (void)joules(*sensor, "board");
  EXPECT_NEAR(run(*sensor, 10.0), 2500.0, 1e-6);
  EXPECT_EQ(sensor->channels().size(), 1U);
  EXPECT_DOUBLE_EQ(sensor->channels()[0].limit_W, 1050.0);
}

TEST_F(Nvml, ACounterThatStandsStillIsUnknown) {
  const auto sensor = open();
  (void)joules(*sensor, "board");
  for (int i = 0; i < 20; ++i) {
    clock.wait(0.1);
    (void)joules(*sensor, "board");
  }
  EXPECT_EQ(fault(*sensor, "board"), "GPU 0: the energy counter did not move");
}

TEST_F(Nvml, ACounterAloneInAShortRunIsUnknownAndNotZero) {
  gpu().instant_result = gpu().average_result = gpu().usage_result = 3;
  const auto sensor = open();
  (void)joules(*sensor, "board");
  (void)run(*sensor, 0.5);
  EXPECT_EQ(fault(*sensor, "board"), "GPU 0: the energy counter did not move");
  EXPECT_NEAR(run(*sensor, 2.0), 200.0, 60.0);
  EXPECT_EQ(fault(*sensor, "board"), "");
}

/// As an RTX 4090 does whose counter is read too often, or the board of zeus #181.
TEST_F(Nvml, ACounterFarFromItsPowerIsNotBelieved) {
  for (const double part : {0.57, 1.6}) {
    SetUp();
    const auto sensor = open();
    (void)joules(*sensor, "board");
    for (int i = 0; i < 70; ++i) {
      clock.wait(0.1);
      gpu().energy_mJ += static_cast<unsigned long long>(part * 10'000.0);
      (void)joules(*sensor, "board");
    }
    EXPECT_NE(fault(*sensor, "board").find("further apart"), std::string::npos) << part;
    EXPECT_NE(fault(*sensor, "board").find("adds up to"), std::string::npos);
  }
}

/// What samples of 25 % of the time can miss of a noisy load is no reason for doubt.
TEST_F(Nvml, NoiseOfItsSamplesIsNoReasonForDoubt) {
  int doubted = 0;
  for (unsigned seed = 0; seed < 200; ++seed) {
    SetUp();
    std::mt19937 random(seed);
    std::uniform_real_distribution<double> load(60.0, 300.0), gain(0.95, 1.05);
    const double counter_gain = gain(random), power_gain = gain(random);
    const auto sensor = open();
    (void)joules(*sensor, "board");
    for (int i = 0; i < 100; ++i) {
      clock.wait(0.1);
      double mean = 0.0;
      for (int part = 0; part < 4; ++part) {
        const double watts = load(random);
        mean += watts / 4.0;
        if (part == 3) gpu().power_mW = static_cast<unsigned>(watts * power_gain * 1e3);
      }
      gpu().energy_mJ += static_cast<unsigned long long>(mean * counter_gain * 100.0);
      (void)joules(*sensor, "board");
    }
    doubted += fault(*sensor, "board").empty() ? 0 : 1;
  }
  EXPECT_LE(doubted, 2) << "of 200";
}

TEST_F(Nvml, WithoutACounterPowerIsAddedUpAndNamesItsField) {
  struct Case {
    int instant, average;
    const char* name;
    unsigned architecture;
    const char* source;
    double share, period_s;
  };
  for (const Case& c :
       {Case{0, 0, "Tesla P100-PCIE-16GB", 4, "field 186 POWER_INSTANT, added up", 0.5, 0.02},
        Case{3, 0, "NVIDIA H100 PCIe", 9, "field 185 POWER_AVERAGE, added up", 1.0, 1.0},
        Case{3, 3, "NVIDIA A100-SXM4-40GB", 7, "nvmlDeviceGetPowerUsage (instant), added up", 0.25, 0.1},
        Case{3, 2, "NVIDIA RTX A3000", 7, "nvmlDeviceGetPowerUsage (mean of 1 s), added up", 1.0, 1.0},
        Case{2, 3, "Tesla T4", 6, "nvmlDeviceGetPowerUsage (instant), added up", 1.0, 0.1}}) {
    SetUp();
    gpu().energy_result = 3;
    gpu().instant_result = c.instant;
    gpu().average_result = c.average;
    gpu().name = c.name;
    gpu().architecture = c.architecture;
    const auto sensor = open();
    (void)joules(*sensor, "board");
    EXPECT_NEAR(run(*sensor, 3.0), 300.0, 1e-6);
    const SensorChannel& channel = sensor->channels()[0];
    EXPECT_EQ(channel.source, std::string("1 x ") + c.name + "; " + c.source);
    EXPECT_TRUE(channel.integrated_power);
    EXPECT_DOUBLE_EQ(channel.window_share, c.share) << c.name;
    EXPECT_DOUBLE_EQ(channel.update_period_s, c.period_s) << c.name;
    EXPECT_EQ(fault(*sensor, "board"), "");
  }
}

TEST_F(Nvml, TypesOfFieldsDifferByDriver) {
  for (const int type : {0, 1, 2, 3, 4, 5}) {
    SetUp();
    gpu().value_type = type;
    gpu().energy_result = 3;
    const auto sensor = open();
    (void)joules(*sensor, "board");
    EXPECT_NEAR(run(*sensor, 1.0), 100.0, 1e-6) << type;
  }
  SetUp();
  gpu().value_type = 42;
  gpu().usage_mW = 70'000;
  gpu().energy_result = 3;
  const auto sensor = open();
  EXPECT_NE(sensor->channels()[0].source.find("nvmlDeviceGetPowerUsage"), std::string::npos);
}

TEST_F(Nvml, AVirtualGpuIsUnknownAndNotZero) {
  gpu().energy_result = gpu().instant_result = gpu().average_result = gpu().usage_result = 3;
  const auto sensor = open();
  ASSERT_NE(sensor, nullptr);
  EXPECT_TRUE(std::isnan(joules(*sensor, "board")));
  EXPECT_FALSE(sensor->readable(0));
  EXPECT_NE(fault(*sensor, "board").find("neither energy nor power"), std::string::npos);
}

TEST_F(Nvml, WithoutPermissionItSaysWhatToDo) {
  stub->gpus.resize(2);
  gpu(1).handle_result = 4;
  const auto sensor = open();
  (void)joules(*sensor, "board");
  EXPECT_TRUE(std::isnan(joules(*sensor, "board"))) << "one board that cannot be read makes the sum unknown";
  EXPECT_EQ(fault(*sensor, "board"), "GPU 1: no permission");
  EXPECT_EQ(sensor->remedies().size(), 1U);
}

TEST_F(Nvml, AGpuThatIsLostInMidRunStaysUnknown) {
  const auto sensor = open();
  (void)joules(*sensor, "board");
  (void)run(*sensor, 2.0);
  gpu().instant_result = 15;
  EXPECT_TRUE(std::isnan(run(*sensor, 0.2)));
  gpu().instant_result = 0;
  EXPECT_TRUE(std::isnan(run(*sensor, 2.0)));
  EXPECT_EQ(fault(*sensor, "board"), "GPU 0: GPU is lost");
}

TEST_F(Nvml, ACounterThatGoesBackIsUnknown) {
  const auto sensor = open();
  (void)joules(*sensor, "board");
  (void)run(*sensor, 2.0);
  gpu().energy_mJ = 3;
  EXPECT_TRUE(std::isnan(run(*sensor, 1.5)));
  EXPECT_EQ(fault(*sensor, "board"), "GPU 0: the energy counter went back");
}

TEST_F(Nvml, SharesByProcessWeighBoardsByWhatTheyDrew) {
  stub->gpus.resize(2);
  gpu(1).power_mW = 300'000;
  gpu(0).processes = {{10, 60, 1}, {11, 20, 2}};
  gpu(1).processes = {{12, 90, 1}, {99, 30, 1}};
  const auto sensor = open();
  (void)joules(*sensor, "board");
  (void)run(*sensor, 2.0);
  const std::array<pid_t, 2> ours = {10, 99};
  // 0.75 of 200 J and 0.25 of 600 J
  EXPECT_NEAR(sensor->share_of(0, ours).value(), (0.75 * 200.0 + 0.25 * 600.0) / 800.0, 1e-9);
  (void)run(*sensor, 1.0);
  EXPECT_NEAR(sensor->share_of(0, ours).value(), 0.0, 1e-9) << "nothing new was seen: nobody used them";
  gpu(0).utilization_percent = 40;
  (void)run(*sensor, 1.0);
  EXPECT_FALSE(sensor->share_of(0, ours).has_value()) << "somebody used it and the driver does not say who";
  gpu(0).utilization_percent = 0;
  gpu(1).process_result = 3;
  (void)run(*sensor, 1.0);
  EXPECT_FALSE(sensor->share_of(0, ours).has_value()) << "MIG: one board cannot tell";
}

TEST_F(Nvml, ManyProcessesNeedMoreRoom) {
  for (unsigned i = 0; i < 1000; ++i) gpu().processes.push_back({1000 + i, 1, 1 + i});
  const auto sensor = open();
  (void)joules(*sensor, "board");
  (void)run(*sensor, 1.0);
  const std::array<pid_t, 1> ours = {1999};
  EXPECT_NEAR(sensor->share_of(0, ours).value(), 1e-3, 1e-9);
}

TEST_F(Nvml, WhereProcessNumbersAreNotTheDriversItCannotTell) {
  gpu().processes = {{10, 60, 1}};
  const auto sensor = open(false);
  (void)joules(*sensor, "board");
  (void)run(*sensor, 1.0);
  const std::array<pid_t, 1> ours = {10};
  EXPECT_FALSE(sensor->share_of(0, ours).has_value());
}

TEST(NvmlWindow, NamesOfBoards) {
  for (const char* ga100 : {"NVIDIA A100-SXM4-80GB", "A100-PCIE-40GB", "NVIDIA A30", "NVIDIA A800 80GB PCIe"})
    EXPECT_TRUE(is_ga100(ga100)) << ga100;
  for (const char* other : {"NVIDIA A10", "NVIDIA RTX A3000", "NVIDIA GeForce RTX 3090", "NVIDIA A40", ""})
    EXPECT_FALSE(is_ga100(other)) << other;
  EXPECT_DOUBLE_EQ(nvml_window(9, "NVIDIA GH200 480GB", NvmlPower::Instant).share(), 0.2);
  EXPECT_DOUBLE_EQ(nvml_window(9, "NVIDIA H100 PCIe", NvmlPower::Instant).share(), 0.25);
  EXPECT_DOUBLE_EQ(nvml_window(5, "Tesla V100", NvmlPower::Usage).share(), 0.5);
  EXPECT_DOUBLE_EQ(nvml_window(0xffffffff, "?", NvmlPower::Usage).share(), 0.25) << "the least that is known";
}

/// The program itself, which finds the stand-in by the loader's path as it would find NVIDIA's.
TEST(NvmlProgram, SensorsListsTheBoardAndTheFieldItReads) {
  const std::string folder = std::filesystem::path(HAYWATT_NVML_STUB).parent_path().string();
  const std::string command =
      "env -u HAYWATT_SYSROOT LD_LIBRARY_PATH='" + folder + "' '" HAYWATT_BINARY "' sensors --json 2>/dev/null";
  FILE* pipe = popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string text;
  std::array<char, 4096> buffer{};
  for (std::size_t n = 0; (n = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) text.append(buffer.data(), n);
  EXPECT_EQ(pclose(pipe), 0);
  EXPECT_NE(text.find("\"sensor\": \"nvml\""), std::string::npos) << text;
  EXPECT_NE(text.find("186 POWER_INSTANT"), std::string::npos) << text;
  EXPECT_NE(text.find("\"used\": true"), std::string::npos) << text;
}

}  // namespace
}  // namespace haywatt::meter
