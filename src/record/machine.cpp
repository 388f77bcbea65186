#include "haywatt/record/machine.hpp"

#include <fmt/format.h>
#include <gnu/libc-version.h>
#include <sched.h>
#include <sys/utsname.h>
#include <unistd.h>
#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "haywatt/base/bytes.hpp"
#include "record/json_fields.hpp"
#include "record/machine_sources.hpp"

namespace haywatt {
namespace {

using nlohmann::json;

/// CPUs this process may run on; any number of them (the fixed cpu_set_t ends at 1,024).
int affinity_cpus() {
  for (int cpus = 1024; cpus <= 1 << 20; cpus *= 2) {
    const std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)> set(CPU_ALLOC(static_cast<std::size_t>(cpus)),
                                                               [](cpu_set_t* s) { CPU_FREE(s); });
    const std::size_t bytes = CPU_ALLOC_SIZE(static_cast<std::size_t>(cpus));
    if (set == nullptr) return 0;
    if (sched_getaffinity(0, bytes, set.get()) == 0) return CPU_COUNT_S(bytes, set.get());
  }
  return 0;
}

/// CPUID leaf 0x40000000: the hypervisor's signature, empty on bare metal (the "hypervisor" flag guards it).
std::string hypervisor_signature() {
#if defined(__x86_64__) || defined(__i386__)
  std::array<unsigned, 4> r{};
  __cpuid(1, r[0], r[1], r[2], r[3]);
  if ((r[2] & (1U << 31)) == 0) return {};
  __cpuid(0x40000000, r[0], r[1], r[2], r[3]);
  std::array<char, 12> text{};
  std::memcpy(text.data(), &r[1], text.size());
  std::string signature(text.data(), text.size());
  while (!signature.empty() && (signature.back() == '\0' || signature.back() == ' ')) signature.pop_back();
  return signature;
#else
  return {};
#endif
}

std::string hypervisor_name(const std::string& signature) {
  constexpr std::array<std::array<const char*, 2>, 6> names = {{{"KVMKVMKVM", "KVM"},
                                                                {"Microsoft Hv", "Hyper-V"},
                                                                {"VMwareVMware", "VMware"},
                                                                {"XenVMMXenVMM", "Xen"},
                                                                {"TCGTCGTCGTCG", "QEMU TCG"},
                                                                {"bhyve bhyve", "bhyve"}}};
  for (const auto& [known, name] : names)
    if (signature == known) return name;
  return signature;
}

}  // namespace

Machine describe_machine() {
  Machine m = record::machine_from_files("");
  utsname u{};
  if (uname(&u) == 0) m.kernel = fmt::format("{} {} {}", u.sysname, u.release, u.machine);
  if (const std::string signature = hypervisor_signature(); !signature.empty()) {
    m.virtual_machine = true;
    m.hypervisor = hypervisor_name(signature);
  }
  if (const long online = sysconf(_SC_NPROCESSORS_ONLN); online > 0) m.logical_cpus = static_cast<int>(online);
  const char* sysroot = std::getenv("HAYWATT_SYSROOT");
  record::read_topology(sysroot == nullptr ? "" : sysroot, m);
  m.cpu_quota = affinity_cpus();
  m.libraries["glibc"] = gnu_get_libc_version();
  m.id = record::machine_id(m);
  return m;
}

std::string record::machine_id(const Machine& m) {
  constexpr std::uint64_t GiB = std::uint64_t{1} << 30;
  const std::string text =
      fmt::format("{}|{}|{}|{}|{}|{}|{}|{}|{}|{}", m.cpu_vendor, m.cpu_name, m.cpu_family, m.cpu_model, m.cpu_stepping,
                  m.logical_cpus, m.physical_cores, m.sockets, (m.memory_B + GiB - 1) / GiB, m.hypervisor);
  return fmt::format("{:012x}", xxh3(as_byte_span(text)) >> 16);
}

void to_json(json& j, const Machine& m) {
  json libraries = json::object();
  for (const auto& [name, version] : m.libraries) libraries[record::utf8(name)] = record::utf8(version);
  j = {{"id", record::utf8(m.id)},
       {"cpu_name", record::utf8(m.cpu_name)},
       {"cpu_vendor", record::utf8(m.cpu_vendor)},
       {"cpu_family", m.cpu_family},
       {"cpu_model", m.cpu_model},
       {"cpu_stepping", m.cpu_stepping},
       {"micro_architecture", record::utf8(m.micro_architecture)},
       {"logical_cpus", m.logical_cpus},
       {"physical_cores", m.physical_cores},
       {"paired_cpus", m.paired_cpus},
       {"sockets", m.sockets},
       {"cpu_quota", record::number(m.cpu_quota)},
       {"memory_B", m.memory_B},
       {"virtual_machine", m.virtual_machine},
       {"hypervisor", record::utf8(m.hypervisor)},
       {"kernel", record::utf8(m.kernel)},
       {"distribution", record::utf8(m.distribution)},
       {"libraries", libraries}};
}

void from_json(const json& j, Machine& m) {
  using record::read_member;
  record::expect_object(j, "machine");
  m = Machine{};
  read_member(j, "id", m.id);
  read_member(j, "cpu_name", m.cpu_name);
  read_member(j, "cpu_vendor", m.cpu_vendor);
  read_member(j, "cpu_family", m.cpu_family);
  read_member(j, "cpu_model", m.cpu_model);
  read_member(j, "cpu_stepping", m.cpu_stepping);
  read_member(j, "micro_architecture", m.micro_architecture);
  read_member(j, "logical_cpus", m.logical_cpus);
  read_member(j, "physical_cores", m.physical_cores);
  read_member(j, "paired_cpus", m.paired_cpus);
  read_member(j, "sockets", m.sockets);
  read_member(j, "cpu_quota", m.cpu_quota);
  read_member(j, "memory_B", m.memory_B);
  read_member(j, "virtual_machine", m.virtual_machine);
  read_member(j, "hypervisor", m.hypervisor);
  read_member(j, "kernel", m.kernel);
  read_member(j, "distribution", m.distribution);
  for (const auto& [name, version] : record::object_member(j, "libraries").items())
    record::read_value(version, name.c_str(), m.libraries[name]);
}

}  // namespace haywatt
