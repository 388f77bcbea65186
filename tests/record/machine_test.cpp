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

/// A machine of four cores and eight CPUs as Linux shows it after `echo 0 > cpu6/online` and the same of cpu7: they
/// keep a folder and lose their topology, and their siblings' lists no longer name them.
class HalfPaired : public Root {
 protected:
  void SetUp() override {
    Root::SetUp();
    file(cpus_ + "/online", "0-5\n");
    file(cpus_ + "/offline", "6-7\n");
    const char* siblings[] = {"0,4", "1,5", "2", "3", "0,4", "1,5"};
    for (int cpu = 0; cpu < 6; ++cpu) {
      file(list_of(cpu), std::string(siblings[cpu]) + "\n");
      file(cpus_ + "/cpu" + std::to_string(cpu) + "/topology/core_id", std::to_string(cpu % 4) + "\n");
    }
    for (const char* cpu : {"/cpu6", "/cpu7"}) file(cpus_ + cpu + "/online", "0\n");
    machine_.logical_cpus = 6;
  }
  [[nodiscard]] std::string list_of(int cpu) const {
    return cpus_ + "/cpu" + std::to_string(cpu) + "/topology/thread_siblings_list";
  }
  const std::string cpus_ = "/sys/devices/system/cpu";
  Machine machine_;
};

TEST_F(HalfPaired, SiblingsCountOneByOne) {
  record::read_topology(root_, machine_);
  EXPECT_EQ(machine_.physical_cores, 4);
  EXPECT_EQ(machine_.paired_cpus, 4);
}

TEST_F(HalfPaired, ListsThatNameCpusThatAreOffAreReadWithoutThem) {
  file(list_of(2), "2,6\n");
  file(list_of(3), "3,7\n");
  record::read_topology(root_, machine_);
  EXPECT_EQ(machine_.physical_cores, 4);
  EXPECT_EQ(machine_.paired_cpus, 4);
}

TEST_F(HalfPaired, SysrootIsHonoured) {
  setenv("HAYWATT_SYSROOT", root_.c_str(), 1);
  const Machine m = describe_machine();
  unsetenv("HAYWATT_SYSROOT");
  EXPECT_EQ(m.physical_cores, 4);
  EXPECT_EQ(m.paired_cpus, 4);
}

TEST_F(HalfPaired, WithoutListsTheCountsDecide) {
  for (const char* broken : {"", "x", "1-0", "0-99999999", "5"}) {
    file(list_of(1), broken);
    Machine m = machine_;
    m.physical_cores = 4;
    record::read_topology(root_, m);
    EXPECT_EQ(m.physical_cores, 4) << broken;
    EXPECT_EQ(m.paired_cpus, 4) << broken;
    m.physical_cores = 6;
    record::read_topology(root_, m);
    EXPECT_EQ(m.paired_cpus, 0) << broken;
  }
  Machine unknown;
  record::read_topology(root_ + "/nowhere", unknown);
  EXPECT_EQ(unknown.paired_cpus, -1);
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
