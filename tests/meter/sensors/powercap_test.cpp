#include "meter/sensors/powercap.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <map>

#include "meter/powercap_tree.hpp"

namespace haywatt::meter {
namespace {

using test::PowercapTree;

std::map<std::string, double> read(EnergySensor& sensor) {
  std::vector<double> joules(sensor.channels().size());
  sensor.read(joules);
  std::map<std::string, double> by_boundary;
  for (std::size_t i = 0; i < joules.size(); ++i) by_boundary[sensor.channels()[i].boundary] = joules[i];
  return by_boundary;
}

std::string fault(const EnergySensor& sensor, const std::string& boundary) {
  for (std::size_t i = 0; i < sensor.channels().size(); ++i)
    if (sensor.channels()[i].boundary == boundary) return sensor.fault(i);
  return "no such channel";
}

Machine intel() {
  Machine m;
  m.cpu_vendor = "GenuineIntel";
  m.micro_architecture = "skylake-x";
  return m;
}

TEST(Powercap, NoFilesNoSensor) {
  const PowercapTree tree;
  EXPECT_EQ(open_powercap(tree.root(), intel()), nullptr);
  EXPECT_EQ(open_powercap("/no/such/folder", intel()), nullptr);
}

TEST(Powercap, TwoSocketsAreAddedChildrenAndPsysAreNot) {
  const PowercapTree tree;
  // Numbers that mix the sockets up, as some machines do: only names count.
  tree.zone("intel-rapl:0", "package-1", 1'000'000);
  tree.zone("intel-rapl:0:0", "dram", 500'000);
  tree.zone("intel-rapl:1", "package-0", 7'000'000);
  tree.zone("intel-rapl:1:0", "core", 100);
  tree.zone("intel-rapl:1:1", "uncore", 100);
  tree.zone("intel-rapl:1:2", "dram", 900'000);
  tree.zone("intel-rapl:2", "psys", 5);
  tree.zone("intel-rapl-mmio:0", "package-0", 7'000'000);
  const auto sensor = open_powercap(tree.root(), intel());
  ASSERT_NE(sensor, nullptr);
  EXPECT_EQ(sensor->name(), "rapl-powercap");
  EXPECT_EQ(read(*sensor)["package"], 0.0);
  tree.set("intel-rapl:0", 3'000'000);
  tree.set("intel-rapl:1", 12'000'000);
  tree.set("intel-rapl:1:0", 9'000'000);
  tree.set("intel-rapl:1:1", 9'000'000);
  tree.set("intel-rapl:0:0", 1'500'000);
  tree.set("intel-rapl:1:2", 1'000'000);
  tree.set("intel-rapl:2", 50'000'005);
  tree.set("intel-rapl-mmio:0", 99'000'000);
  auto joules = read(*sensor);
  EXPECT_NEAR(joules["package"], 7.0, 1e-9);
  EXPECT_NEAR(joules["dram"], 1.1, 1e-9);
  EXPECT_NEAR(joules["psys"], 50.0, 1e-9);
  EXPECT_EQ(joules.size(), 3U);
  EXPECT_TRUE(sensor->remedies().empty());
  for (const char* boundary : {"package", "dram", "psys"}) EXPECT_EQ(fault(*sensor, boundary), "");
}

TEST(Powercap, WrapsAtItsRange) {
  const PowercapTree tree;
  tree.zone("intel-rapl:0", "package-0", 262'000'000'000);
  double now_s = 0.0;
  const auto sensor = open_powercap(tree.root(), intel(), [&] { return now_s; });
  (void)read(*sensor);
  now_s = 1.0;
  tree.set("intel-rapl:0", 1'000'000);
  EXPECT_NEAR(read(*sensor)["package"], 143.328850 + 1.0, 1e-9);
  tree.set("intel-rapl:0", 262'143'328'850);
  tree.set("intel-rapl:0", 4'000'000);
  EXPECT_NEAR(read(*sensor)["package"], 143.328850 + 4.0, 1e-9);
  EXPECT_EQ(fault(*sensor, "package"), "");
}

TEST(Powercap, StepBackWithoutARangeIsAFault) {
  const PowercapTree tree;
  tree.zone("intel-rapl:0", "package-0", 5'000'000, 0);
  const auto sensor = open_powercap(tree.root(), intel());
  (void)read(*sensor);
  tree.set("intel-rapl:0", 1'000'000);
  EXPECT_TRUE(std::isnan(read(*sensor)["package"]));
  EXPECT_NE(fault(*sensor, "package"), "");
}

/// The same counter far from its range: no wrap can explain half a range in a second.
TEST(Powercap, ResetIsAFault) {
  const PowercapTree tree;
  tree.zone("intel-rapl:0", "package-0", 100'000'000'000);
  const auto sensor = open_powercap(tree.root(), intel());
  (void)read(*sensor);
  tree.set("intel-rapl:0", 100'000'001'000);
  EXPECT_NEAR(read(*sensor)["package"], 1e-3, 1e-9);
  tree.set("intel-rapl:0", 5);
  EXPECT_TRUE(std::isnan(read(*sensor)["package"]));
  EXPECT_NE(fault(*sensor, "package").find("it was reset"), std::string::npos);
}

/// A reset so near the range that the step back could be a wrap: the power that it would mean decides.
TEST(Powercap, ResetJustBeforeTheWrapIsKnownByItsPower) {
  struct Case {
    const char* zone;
    std::uint64_t constraint_uW;  // 0: the zone has none
    double wrap_J;                // that the step would mean as a wrap, a second after the last reading
    bool believed;
  };
  for (const Case& c : {Case{"package-0", 205'000'000, 300.0, true}, Case{"package-0", 205'000'000, 9'000.0, false},
                        Case{"package-0", 205'000'000, 1'200.0, false}, Case{"package-0", 15'000'000, 120.0, true},
                        Case{"package-0", 15'000'000, 300.0, false}, Case{"package-0", 1'000'000, 60.0, true},
                        Case{"package-0", 0, 900.0, true}, Case{"package-0", 0, 5'000.0, false},
                        Case{"package-0", ~std::uint64_t{0}, 5'000.0, false}, Case{"psys", 0, 3'000.0, true},
                        Case{"psys", 0, 9'000.0, false}}) {
    const PowercapTree tree;
    constexpr std::uint64_t range_uJ = 262'143'328'850, after_uJ = 7;
    const auto before_uJ = range_uJ + after_uJ - static_cast<std::uint64_t>(c.wrap_J * 1e6);
    tree.zone("intel-rapl:0", c.zone, before_uJ - 50'000'000);
    std::ofstream(tree.folder("intel-rapl:0") + "/constraint_0_name") << "long_term\n";
    if (c.constraint_uW > 0) {
      std::ofstream(tree.folder("intel-rapl:0") + "/constraint_0_max_power_uw") << c.constraint_uW << "\n";
      std::ofstream(tree.folder("intel-rapl:0") + "/constraint_1_max_power_uw") << "0\n";
    }
    double now_s = 0.0;
    const auto sensor = open_powercap(tree.root(), intel(), [&] { return now_s; });
    (void)read(*sensor);
    now_s = 1.0;
    tree.set("intel-rapl:0", before_uJ);
    EXPECT_NEAR(read(*sensor)[sensor->channels()[0].boundary], 50.0, 1e-6);
    now_s = 2.0;
    tree.set("intel-rapl:0", after_uJ);
    const double joules = read(*sensor)[sensor->channels()[0].boundary];
    if (c.believed) {
      EXPECT_NEAR(joules, 50.0 + c.wrap_J, 1e-3) << c.zone << " " << c.constraint_uW;
    } else {
      EXPECT_TRUE(std::isnan(joules)) << c.zone << " " << c.constraint_uW << ": " << joules;
      EXPECT_NE(sensor->fault(0).find("it was reset"), std::string::npos);
    }
  }
}

TEST(Powercap, DiesAreAddedAndThePlatformIsNot) {
  const PowercapTree tree;
  tree.zone("intel-rapl:0", "package-0-die-0", 1);
  tree.zone("intel-rapl:1", "package-0-die-1", 1);
  tree.zone("intel-rapl:2", "psys", 1);
  tree.zone("intel-rapl:3", "psys-1", 0);
  const auto sensor = open_powercap(tree.root(), intel());
  (void)read(*sensor);
  tree.set("intel-rapl:0", 1'000'001);
  tree.set("intel-rapl:1", 2'000'001);
  tree.set("intel-rapl:2", 9'000'001);
  auto joules = read(*sensor);
  EXPECT_NEAR(joules["package"], 3.0, 1e-9);
  EXPECT_NEAR(joules["psys"], 9.0, 1e-9);
  EXPECT_EQ(fault(*sensor, "psys"), "") << "the platform is told by one socket";
  tree.set("intel-rapl:3", 4'000'000);
  (void)read(*sensor);
  EXPECT_NE(fault(*sensor, "psys"), "");
}

/// A file whose reading fails, as that of a device that is gone: a folder in its place reads as EISDIR.
TEST(Powercap, FileThatCannotBeReadAnyMoreIsUnknown) {
  const PowercapTree tree;
  tree.zone("intel-rapl:0", "package-0", 1);
  tree.zone("intel-rapl:1", "package-1", 1);
  std::filesystem::remove(tree.folder("intel-rapl:1") + "/energy_uj");
  std::filesystem::create_directory(tree.folder("intel-rapl:1") + "/energy_uj");
  const auto sensor = open_powercap(tree.root(), intel());
  (void)read(*sensor);
  tree.set("intel-rapl:0", 5'000'000);
  EXPECT_TRUE(std::isnan(read(*sensor)["package"]));
  EXPECT_NE(fault(*sensor, "package").find("package-1: cannot read energy_uj"), std::string::npos);
}

/// What was missed while a counter could not be read cannot come back.
TEST(Powercap, EmptiedInMidRunItStaysUnknown) {
  const PowercapTree tree;
  tree.zone("intel-rapl:0", "package-0", 1);
  const auto sensor = open_powercap(tree.root(), intel());
  (void)read(*sensor);
  tree.set("intel-rapl:0", 5'000'000);
  EXPECT_GT(read(*sensor)["package"], 0.0);
  std::filesystem::resize_file(tree.folder("intel-rapl:0") + "/energy_uj", 0);
  EXPECT_TRUE(std::isnan(read(*sensor)["package"]));
  tree.set("intel-rapl:0", 6'000'000);
  EXPECT_TRUE(std::isnan(read(*sensor)["package"]));
  EXPECT_NE(fault(*sensor, "package"), "");
}

TEST(Powercap, CounterThatDoesNotMoveIsUnknown) {
  const PowercapTree tree;
  tree.zone("intel-rapl:0", "package-0", 0);
  tree.zone("intel-rapl:1", "package-1", 0);
  const auto sensor = open_powercap(tree.root(), intel());
  (void)read(*sensor);
  tree.set("intel-rapl:0", 1'000'000);
  (void)read(*sensor);
  EXPECT_EQ(fault(*sensor, "package"), "package-1: the counter did not move");
}

/// In a child that is nobody, because root may read everything.
TEST(Powercap, WithoutPermissionItSaysWhatToDo) {
  const PowercapTree tree;
  tree.zone("intel-rapl:0", "package-0", 1);
  namespace fs = std::filesystem;
  fs::permissions(tree.root(), static_cast<fs::perms>(0755));
  fs::permissions(tree.folder("intel-rapl:0") + "/energy_uj", fs::perms::none);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    constexpr uid_t nobody = 65534;
    if (geteuid() == 0 && setresuid(nobody, nobody, nobody) != 0) _exit(3);
    const auto sensor = open_powercap(tree.root(), intel());
    if (sensor == nullptr) _exit(4);
    const bool unknown = std::isnan(read(*sensor)["package"]);
    const bool told = fault(*sensor, "package").find("no permission") != std::string::npos;
    const bool helped = !sensor->readable(0) && sensor->remedies().size() == 3;
    _exit(unknown && told && helped ? 0 : 5);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (WEXITSTATUS(status) == 3) GTEST_SKIP() << "this root cannot become nobody";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(Powercap, MissingAndForeignFiles) {
  const PowercapTree tree;
  tree.zone("intel-rapl:0", "package-0", 1);
  tree.zone("intel-rapl:1", "", 1);
  std::filesystem::create_directories(tree.folder("intel-rapl:2"));
  std::filesystem::remove(tree.folder("intel-rapl:0") + "/energy_uj");
  auto sensor = open_powercap(tree.root(), intel());
  ASSERT_NE(sensor, nullptr);
  EXPECT_TRUE(std::isnan(read(*sensor)["package"]));
  EXPECT_NE(fault(*sensor, "package"), "");
  std::ofstream(tree.folder("intel-rapl:0") + "/energy_uj") << "<unsupported>\n";
  sensor = open_powercap(tree.root(), intel());
  EXPECT_TRUE(std::isnan(read(*sensor)["package"]));
  EXPECT_EQ(fault(*sensor, "package"), "package-0: energy_uj holds no number");
}

TEST(Powercap, GainIsWorseWhereTheCounterIsAModel) {
  const PowercapTree tree;
  tree.zone("intel-rapl:0", "package-0", 1);
  Machine old = intel(), amd;
  old.micro_architecture = "sandybridge";
  amd.cpu_vendor = "AuthenticAMD";
  EXPECT_EQ(open_powercap(tree.root(), intel())->channels()[0].gain_u_rel, 0.05);
  EXPECT_EQ(open_powercap(tree.root(), old)->channels()[0].gain_u_rel, 0.10);
  EXPECT_EQ(open_powercap(tree.root(), amd)->channels()[0].gain_u_rel, 0.10);
}

TEST(Sensors, SysrootIsHonoured) {
  const PowercapTree tree;
  tree.zone("intel-rapl:0", "package-0", 1);
  setenv("HAYWATT_SYSROOT", tree.root().c_str(), 1);
  EXPECT_EQ(open_sensors(intel()).size(), 1U);
  setenv("HAYWATT_SYSROOT", "/no/such/folder", 1);
  EXPECT_TRUE(open_sensors(intel()).empty());
  unsetenv("HAYWATT_SYSROOT");
}

}  // namespace
}  // namespace haywatt::meter
