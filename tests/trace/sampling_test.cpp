#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <map>
#include <random>
#include <sstream>

#include "haywatt/base/file.hpp"
#include "haywatt/metrics/code_costs.hpp"
#include "haywatt/trace/stacks.hpp"
#include "haywatt_test_paths.hpp"
#include "support/temporary_folder.hpp"
#include "trace/sampling/code_files.hpp"
#include "trace/sampling/demangle.hpp"
#include "trace/sampling/elf_image.hpp"
#include "trace/sampling/jit_names.hpp"
#include "trace/sampling/kernel_symbols.hpp"
#include "trace/sampling/perf_ring.hpp"
#include "trace/sampling/proc_tree.hpp"
#include "trace/sampling/processes.hpp"
#include "trace/sampling/python_spy.hpp"
#include "trace/sampling/stack_builder.hpp"
#include "trace/sampling/stack_collector.hpp"

namespace haywatt::trace {
namespace {

using metrics::CodeCost;
using metrics::function_costs;
using metrics::module_costs;
using metrics::sampled_s;

Mapping mapping(std::uint64_t start, std::uint64_t end, std::uint64_t offset, const char* path) {
  return {start, end, offset, {path, 0}, nullptr};
}

TEST(Sampling, MappingsCoverWhatWasThere) {
  AddressSpace space;
  space.add(mapping(0x1000, 0x9000, 0, "a"));
  space.add(mapping(0x3000, 0x5000, 0x100, "b"));
  EXPECT_EQ(space.find(0x2fff)->file.path, "a");
  EXPECT_EQ(space.find(0x3000)->file.path, "b");
  ASSERT_NE(space.find(0x5000), nullptr);
  EXPECT_EQ(space.find(0x5000)->file.path, "a");
  EXPECT_EQ(space.find(0x5000)->file_offset, 0x4000U);  // a's part behind b keeps its place in the file
  space.add(mapping(0x4000, 0x8000, 0, "c"));
  EXPECT_EQ(space.find(0x3fff)->file.path, "b");
  EXPECT_EQ(space.find(0x7fff)->file.path, "c");
  EXPECT_EQ(space.find(0x8000)->file_offset, 0x7000U);
  EXPECT_EQ(space.find(0x9000), nullptr);
  EXPECT_EQ(space.find(0xfff), nullptr);
  space.add(mapping(0x100, 0x100, 0, "empty"));
  EXPECT_EQ(space.find(0x100), nullptr);
}

TEST(Sampling, AForkKeepsItsParentsMappingsApart) {
  SampledProcesses processes;
  processes.replaced(1, "parent");
  processes.mapped(1, mapping(0x1000, 0x2000, 0, "a"));
  processes.forked(2, 1);
  processes.mapped(2, mapping(0x1000, 0x2000, 0, "b"));
  EXPECT_EQ(processes.of(1).space->find(0x1000)->file.path, "a");
  EXPECT_EQ(processes.of(2).space->find(0x1000)->file.path, "b");
  EXPECT_EQ(processes.of(2).name, "parent");
  processes.replaced(2, "child");
  EXPECT_EQ(processes.of(2).space->find(0x1000), nullptr);
}

TEST(Sampling, ProcLinesOfHostileNames) {
  const auto stat =
      read_thread_stat("12 (a) R (b) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 777 20 21 22 4096 24 25 26 27 28");
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->name, "a) R (b");
  EXPECT_EQ(stat->state, 'S');
  EXPECT_EQ(stat->started, 777U);
  EXPECT_EQ(stat->code_start, 4096U);
  for (const char* text : {"", "1", "1 (x", "1 (x) ", "1 )x( R 1 2", "1 (x) R 1 2 3"})
    EXPECT_FALSE(read_thread_stat(text));
  const auto maps = read_maps(
      "1000-2000 r--p 0 08:01 5 /not/code\n1000-2000 r-xp 00000400 08:01 5   /with blank \nbroken\n"
      "zz-2000 r-xp 0 08:01 5 /x\n3000-4000 rwxp 0 00:00 0 \n");
  ASSERT_EQ(maps.size(), 2U);
  EXPECT_EQ(maps[0].file.path, "/with blank ");
  EXPECT_EQ(maps[0].file_offset, 0x400U);
  EXPECT_EQ(maps[0].file.inode, 5U);
  EXPECT_EQ(maps[1].file.path, "//anon");
}

std::string own_bytes() {
  std::ifstream file(HAYWATT_NVML_STUB, std::ios::binary);  // a small library of ours
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void use(ElfImage& image) {
  for (std::uint64_t offset = 0; offset < 0x6000; offset += 0x3b) {
    const auto address = image.address_at(offset).value_or(offset);
    (void)image.function_at(address);
    if (const UnwindRow* row = image.row_at(address); row != nullptr) {
      std::vector<std::byte> bytes(64);
      Registers registers;
      registers.value[stack_pointer] = 0x1000;
      (void)step_by_row(*row, {0x1000, bytes}, registers);
    }
  }
}

TEST(Sampling, FunctionsAndRowsOfAnElfFile) {
  const auto image = ElfImage::read(own_bytes());
  ASSERT_NE(image, nullptr);
  std::size_t named = 0, rows = 0;
  for (std::uint64_t offset = 0; offset < 0x10000; offset += 8) {
    const auto address = image->address_at(offset);
    if (!address) continue;
    named += image->function_at(*address).starts_with("nvml") ? 1U : 0U;
    rows += image->row_at(*address) != nullptr ? 1U : 0U;
  }
  EXPECT_GT(named, 10U);
  EXPECT_GT(rows, 100U);
}

TEST(Sampling, DamagedElfFilesAreHarmless) {
  const std::string whole = own_bytes();
  ASSERT_GT(whole.size(), 4096U);
  std::mt19937 random(7);
  for (int round = 0; round < 60; ++round) {
    std::string bytes = whole;
    if (round % 4 == 0) bytes.resize(random() % bytes.size());
    for (int i = 0; i < 1 + round % 40; ++i) {
      if (bytes.empty()) break;
      // Headers and tables more often than code.
      const std::size_t at =
          i % 2 == 0 ? random() % std::min<std::size_t>(bytes.size(), 1024) : random() % bytes.size();
      if (at >= 18) bytes[at] = static_cast<char>(random());
    }
    if (const auto image = ElfImage::read(bytes)) use(*image);
  }
  for (const char* text : {"", "\x7f",
                           "\x7f"
                           "ELF",
                           "#!/bin/sh\n"})
    EXPECT_EQ(ElfImage::read(std::string(text)), nullptr);
}

TEST(Sampling, ReplacedFilesAndDevicesAreNotRead) {
  CodeFiles files;
  EXPECT_EQ(files.find({HAYWATT_NVML_STUB, 1}, 0).image(), nullptr);  // another inode
  EXPECT_NE(files.find({HAYWATT_NVML_STUB, 0}, 0).image(), nullptr);
  EXPECT_EQ(files.find({"/dev/zero", 0}, 0).image(), nullptr);
  EXPECT_EQ(files.find({"/tmp", 0}, 0).image(), nullptr);
  EXPECT_NE(files.find({"[vdso]", 0}, 0).image(), nullptr);
}

TEST(Sampling, NamesThatBlowUp) {
  Demangler demangle;
  EXPECT_EQ(demangle("_ZNSt6vectorIiSaIiEE9push_backERKi"),
            "std::vector<int, std::allocator<int> >::push_back(int const&)");
  EXPECT_EQ(demangle("main"), "main");
  std::string bomb = "_Z1fI1aE";
  bomb = "_Z1fSt4pairI1a1bES_IS0_S0_E";
  for (int i = 1; i < 30; ++i)
    bomb += "S_IS" + std::string(1, static_cast<char>(i < 10 ? '0' + i : 'A' + i - 10)) + "_S0_E";
  EXPECT_LE(demangle(bomb).size(), 1100U);
  EXPECT_EQ(demangle("_Z" + std::string(5000, '9')).size(), 1003U);  // cut, with a sign
}

TEST(Sampling, TreesAreCutAtTheirNarrowestBranches) {
  StackBuilder builder;
  const auto root = builder.frame({"root", "m", "", 0}), wide = builder.frame({"wide", "m", "", 0});
  for (int i = 0; i < 60'000; ++i) {
    const std::uint32_t path[] = {root, builder.frame({"f" + std::to_string(i), "m", "", 0})};
    builder.add(path, 1, 1e-3);
  }
  const std::uint32_t path[] = {root, wide};
  builder.add(path, 1, 5.0);
  StackProfile profile;
  builder.finish(profile);
  EXPECT_EQ(profile.nodes.size(), 50'000U);
  EXPECT_NEAR(sampled_s(profile), 65.0, 1e-6);
  std::uint64_t samples = 0;
  for (const StackNode& n : profile.nodes) samples += n.samples;
  EXPECT_EQ(samples, 60'001U);
  EXPECT_EQ(function_costs(profile).front().function, "root");  // has what was cut
  for (std::size_t i = 0; i < profile.nodes.size(); ++i)
    EXPECT_LT(profile.nodes[i].parent, static_cast<std::int32_t>(i));
}

TEST(Sampling, RecursionCountsOnce) {
  StackBuilder builder;
  const auto a = builder.frame({"a", "m", "", 0}), b = builder.frame({"b", "n", "", 0});
  const std::uint32_t deep[] = {a, b, a, a};
  builder.add(deep, 3, 3.0);
  builder.add(std::span(deep).first(1), 1, 1.0);
  StackProfile profile;
  profile.period_s = 1.0;
  builder.finish(profile);
  const auto functions = function_costs(profile);
  ASSERT_EQ(functions.size(), 2U);
  EXPECT_EQ(functions[0].self_s, 4.0);
  EXPECT_EQ(functions[0].total_s, 4.0);
  EXPECT_EQ(functions[1].self_s, 0.0);
  EXPECT_EQ(functions[1].total_s, 3.0);
  EXPECT_EQ(module_costs(profile)[1].total_s, 3.0);
  EXPECT_EQ(to_folded(profile), "a 1\na;b;a;a 3\n");
}

TEST(Sampling, MapsOfCodeMadeAtRunTime) {
  const auto list =
      read_perf_map("7f20 10 py::b:/x y.py\n7f00 20 a\nzz 1 c\n7f40 1\n7f50\n7f60 1 \n\n" + std::string(3, '\0'));
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[0].name, "a");
  EXPECT_EQ(list[1].start, 0x7f20U);
  EXPECT_EQ(list[1].size, 0x10U);
  EXPECT_EQ(list[1].name, "py::b:/x y.py");
  JitNames names;
  EXPECT_EQ(names.find(::getpid(), 0x7f00), "");
  const std::string path = "/tmp/perf-" + std::to_string(::getpid()) + ".map";
  std::ofstream(path) << "7f00 20 a\n";
  JitNames fresh;
  EXPECT_EQ(fresh.find(::getpid(), 0x7f1f), "a");
  EXPECT_EQ(fresh.find(::getpid(), 0x7f20), "");
  std::remove(path.c_str());
}

TEST(Sampling, PySpysStacksShareOutTheTimeOfTheirProcess) {
  const auto python = read_py_spy(
      "main (/a/b.py:3);0x7f1 (/usr/lib/libc.so.6);dot (numpy/core.c:17) 3\nmain (/a/b.py:3) 1\n"
      "rubbish\nx (y) zz\n 5\n;;; 2\nlambda (<string>:1) 0\n");
  ASSERT_EQ(python.size(), 2U);
  ASSERT_EQ(python[0].frames.size(), 3U);
  EXPECT_EQ(python[0].frames[0].module, "python");
  EXPECT_EQ(python[0].frames[0].file, "/a/b.py");
  EXPECT_EQ(python[0].frames[0].line, 3);
  EXPECT_EQ(python[0].frames[1].function, "[unknown]");
  EXPECT_EQ(python[0].frames[1].module, "libc.so.6");
  EXPECT_EQ(python[0].frames[2].module, "core.c");

  StackBuilder builder;
  const auto spied = builder.frame({"python3\n12", "process", "", 0}),
             other = builder.frame({"python3\n13", "process", "", 0});
  const auto eval = builder.frame({"_PyEval", "python3", "", 0});
  const std::uint32_t first[] = {spied, eval}, second[] = {other, eval};
  builder.add(first, 8, 8.0);
  builder.add(second, 2, 2.0);
  StackProfile native;
  builder.finish(native);
  const StackProfile both = with_python(native, {{12, python}});
  EXPECT_NEAR(sampled_s(both), 10.0, 1e-12);
  for (const FrameRecord& f : both.frames) EXPECT_EQ(f.function.find('\n'), std::string::npos);
  double dot = 0.0, eval_s = 0.0;
  for (const CodeCost& c : function_costs(both)) {
    if (c.function == "dot") dot = c.self_s;
    if (c.function == "_PyEval") eval_s = c.self_s;
  }
  EXPECT_NEAR(dot, 6.0, 1e-12);
  EXPECT_NEAR(eval_s, 2.0, 1e-12);
  EXPECT_TRUE(is_python("/usr/bin/python3.11"));
  EXPECT_TRUE(is_python("/x/libpython3.12.so.1.0"));
  EXPECT_FALSE(is_python("/usr/bin/pythonic"));
  EXPECT_FALSE(is_python("/usr/lib/python3/x.so"));
}

TEST(KernelSymbols, NamesComeAtTheEndAndAddressesOfOneFunctionAreOne) {
  const test::TemporaryFolder folder;
  write_text_file(folder / "kallsyms",
                  "ffffffff81002000 t second\t[module]\nffffffff81001000 T first\nffffffff81001800 D data\n"
                  "0000000000000000 T hidden\nrubbish\n");
  StackBuilder builder;
  const auto root = builder.frame({"sh", "process", "", 0}), user = builder.frame({"read", "libc.so.6", "", 0});
  const auto add = [&](std::uint64_t address, std::uint64_t samples) {
    const std::uint32_t stack[] = {root, user, builder.frame(kernel_frame(address))};
    builder.add(stack, samples, 0.5 * static_cast<double>(samples));
  };
  add(0xffffffff81001000, 1);
  add(0xffffffff81001fff, 2);
  add(0xffffffff81002001, 4);
  add(0xffffffff81000fff, 8);
  StackProfile stacks;
  builder.finish(stacks);
  std::map<std::string, double> seconds;
  for (const CodeCost& c : function_costs(with_kernel_names(stacks, folder / "kallsyms")))
    if (c.self_s > 0.0) seconds[c.function] = c.self_s;
  EXPECT_EQ(seconds, (std::map<std::string, double>{{"first", 1.5}, {"second", 2.0}, {"[kernel]", 4.0}}));
  EXPECT_EQ(with_kernel_names(stacks, folder / "kallsyms").samples, 15U);
  // Nothing can be read: all of it is the kernel's.
  for (const CodeCost& c : function_costs(with_kernel_names(stacks, folder / "none"))) {
    EXPECT_TRUE(c.self_s <= 0.0 || c.function == "[kernel]") << c.function;
  }
}

TEST(PerfRing, AForkedChildKeepsWhatLiesWhereTheRingWas) {
  constexpr std::size_t buffer_B = 256 << 10;
  const SamplingOptions options;
  auto ring =
      std::make_unique<PerfRing>(perf_attributes(options, PerfScope::UserCode), PerfScope::UserCode, 0, buffer_B);
  if (ring->error() != 0) GTEST_SKIP() << "perf_event_open is not permitted here";
  const pid_t child = ::fork();
  if (child == 0) {
    const std::size_t size = buffer_B + static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    std::array<void*, 16> own{};
    for (void*& m : own) m = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ring.reset();
    std::vector<unsigned char> pages(size / 4096 + 1);
    int lost = 0;
    for (void* m : own) lost += ::mincore(m, size, pages.data()) != 0 ? 1 : 0;
    ::_exit(lost);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace haywatt::trace
