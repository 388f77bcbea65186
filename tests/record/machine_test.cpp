#include "haywatt/record/machine.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "record/machine_sources.hpp"

namespace haywatt {
namespace {

namespace fs = std::filesystem;
using record::machine_from_files;
using record::micro_architecture_of;

class Root : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "haywatt-root-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    root_ = name;
  }
  void TearDown() override { fs::remove_all(root_); }
  void file(const std::string& name, const std::string& text) const {
    fs::create_directories(fs::path(root_ + name).parent_path());
    std::ofstream(root_ + name) << text;
  }
  std::string root_;
};

TEST_F(Root, TwoSocketServer) {
  std::string cpuinfo;
  for (int socket = 0; socket < 2; ++socket)
    for (int thread = 0; thread < 4; ++thread)
      cpuinfo +=
          "processor\t: " + std::to_string(socket * 4 + thread) +
          "\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 85\nmodel name\t: Intel(R) Xeon(R) Gold 6248 "
          "CPU @ 2.50GHz\nstepping\t: 7\nphysical id\t: " +
          std::to_string(socket) + "\ncore id\t\t: " + std::to_string(thread % 2) + "\nflags\t\t: fpu vme\n\n";
  file("/proc/cpuinfo", cpuinfo);
  file("/proc/meminfo", "MemTotal:       24684092 kB\nMemFree:        1 kB\n");
  file("/etc/os-release", "NAME=\"Debian\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n");
  const Machine m = machine_from_files(root_);
  EXPECT_EQ(m.logical_cpus, 8);
  EXPECT_EQ(m.physical_cores, 4);
  EXPECT_EQ(m.sockets, 2);
  EXPECT_EQ(m.micro_architecture, "cascadelake");
  EXPECT_EQ(m.memory_B, 24684092ULL * 1024);
  EXPECT_EQ(m.distribution, "Debian GNU/Linux 12 (bookworm)");
  EXPECT_FALSE(m.virtual_machine);
}

TEST_F(Root, HypervisorFlagAndDmi) {
  file("/proc/cpuinfo",
       "processor : 0\nvendor_id : AuthenticAMD\ncpu family : 25\nmodel : 1\nflags : fpu hypervisor\n");
  file("/sys/class/dmi/id/sys_vendor", "Amazon EC2\n");
  const Machine m = machine_from_files(root_);
  EXPECT_TRUE(m.virtual_machine);
  EXPECT_EQ(m.hypervisor, "Amazon EC2");
  EXPECT_EQ(m.micro_architecture, "zen3");
}

TEST_F(Root, BareMetalOfACloudIsNoGuest) {
  file("/proc/cpuinfo", "processor : 0\nflags : fpu\n");
  file("/sys/class/dmi/id/sys_vendor", "Amazon EC2\n");
  EXPECT_FALSE(machine_from_files(root_).virtual_machine);
}

TEST_F(Root, ArmGuestIsSeenThroughDmi) {
  file("/proc/cpuinfo", "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n");
  file("/sys/class/dmi/id/sys_vendor", "QEMU\n");
  const Machine m = machine_from_files(root_);
  EXPECT_TRUE(m.virtual_machine);
  EXPECT_EQ(m.cpu_vendor, "ARM");
  EXPECT_EQ(m.cpu_name, "ARM implementer 0x41 part 0xd0c");
}

TEST_F(Root, NothingReadableIsAnEmptyDescription) {
  const Machine m = machine_from_files(root_ + "/nowhere");
  EXPECT_EQ(m.logical_cpus, 0);
  EXPECT_TRUE(m.cpu_name.empty());
  file("/proc/cpuinfo", std::string("processor : \0x\n:::\ncpu family : 99999999999999999999\n\xff\xfe", 50));
  EXPECT_EQ(machine_from_files(root_).cpu_family, 0);
}

TEST(MicroArchitecture, FamiliesModelsAndSteppings) {
  EXPECT_EQ(micro_architecture_of("GenuineIntel", 6, 0x55, 4), "skylake-x");
  EXPECT_EQ(micro_architecture_of("GenuineIntel", 6, 0x55, 11), "cooperlake");
  EXPECT_EQ(micro_architecture_of("GenuineIntel", 6, 0x8f, 8), "sapphirerapids");
  EXPECT_EQ(micro_architecture_of("AuthenticAMD", 23, 0x31, 0), "zen2");
  EXPECT_EQ(micro_architecture_of("AuthenticAMD", 25, 0x11, 1), "zen4");
  EXPECT_EQ(micro_architecture_of("AuthenticAMD", 26, 2, 1), "zen5");
  EXPECT_EQ(micro_architecture_of("AuthenticAMD", 6, 0x55, 4), "");
  EXPECT_EQ(micro_architecture_of("ARM", 6, 0x55, 4), "");
}

TEST(DescribeMachine, ThisOne) {
  const Machine m = describe_machine();
  EXPECT_GE(m.logical_cpus, 1);
  EXPECT_GE(m.cpu_quota, 1.0);
  EXPECT_GT(m.memory_B, 0U);
  EXPECT_EQ(m.id.size(), 12U);
  EXPECT_EQ(m.id, describe_machine().id);
  EXPECT_FALSE(m.kernel.empty());
  EXPECT_EQ(m.libraries.count("glibc"), 1U);
  EXPECT_EQ(nlohmann::json(nlohmann::json(m).get<Machine>()), nlohmann::json(m));
}

TEST(MachineId, DependsOnTheHardwareNotOnTheSystem) {
  Machine m;
  m.cpu_name = "A";
  m.logical_cpus = 4;
  const std::string id = record::machine_id(m);
  Machine other = m;
  other.kernel = "Linux 7";
  other.libraries["zstd"] = "2";
  EXPECT_EQ(record::machine_id(other), id);
  other.logical_cpus = 8;
  EXPECT_NE(record::machine_id(other), id);
}

}  // namespace
}  // namespace haywatt
