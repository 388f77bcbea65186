/// What is known of the processes of a sampled program: names and where their code lies. Not thread-safe.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>

#include "trace/sampling/code_files.hpp"

namespace haywatt::trace {

struct Mapping {
  std::uint64_t start = 0, end = 0, file_offset = 0;
  FileName file;
  CodeFile* code = nullptr;  ///< looked up when first needed
};

/// Mappings with code of one process.
class AddressSpace {
 public:
  /// What it covers of others is gone, as the kernel does it.
  void add(Mapping mapping);
  [[nodiscard]] Mapping* find(std::uint64_t address);

 private:
  std::map<std::uint64_t, Mapping> by_start_;
};

struct SampledProcess {
  std::string name;  ///< as the kernel keeps it: at most 15 bytes
  std::shared_ptr<AddressSpace> space = std::make_shared<AddressSpace>();
  bool runs_program = false;  ///< an exec was seen, of it or of whom it was copied from
  bool python = false;        ///< has an interpreter of Python mapped
  bool ended = false;
};

class SampledProcesses {
 public:
  /// Known from then on.
  SampledProcess& of(pid_t pid);
  [[nodiscard]] bool knows(pid_t pid) const { return by_pid_.contains(pid); }
  void forked(pid_t child, pid_t parent);
  /// It runs another program from now on.
  void replaced(pid_t pid, std::string name);
  void mapped(pid_t pid, Mapping mapping);
  /// What comes later of it is still understood, for a while.
  void ended(pid_t pid);

 private:
  std::unordered_map<pid_t, SampledProcess> by_pid_;
  std::deque<pid_t> gone_;
};

}  // namespace haywatt::trace
