/// From registers and a piece of stack to the names of the functions that were active. Not thread-safe.
#pragma once
#include <cstdint>
#include <vector>

#include "trace/sampling/code_files.hpp"
#include "trace/sampling/jit_names.hpp"
#include "trace/sampling/processes.hpp"
#include "trace/sampling/registers.hpp"
#include "trace/sampling/stack_builder.hpp"

namespace haywatt::trace {

class Unwinder {
 public:
  Unwinder(CodeFiles& files, StackBuilder& builder) : files_(files), builder_(builder) {}
  /// Appends frames from the innermost to the outermost, at most 1,000. Callers are found by call frame information,
  /// where there is none by the frame pointer. False if the outermost was not reached: the stack goes on beyond the
  /// copy, or a caller cannot be found.
  bool walk(pid_t pid, AddressSpace& space, Registers registers, const StackCopy& stack,
            std::vector<std::uint32_t>& frames);

 private:
  struct Place {
    CodeFile* file = nullptr;   ///< nullptr: no mapping with code
    std::uint64_t address = 0;  ///< as the file's headers give it
  };
  Place place_of(pid_t pid, AddressSpace& space, std::uint64_t pc);
  std::uint32_t frame_of(const Place& place);
  /// Code in memory without a file: a program compiled it itself.
  static bool is_made(const Place& place) { return place.file != nullptr && place.file->path() == "//anon"; }
  std::uint32_t made_frame(pid_t pid, std::uint64_t pc);

  CodeFiles& files_;
  StackBuilder& builder_;
  JitNames jit_names_;
};

}  // namespace haywatt::trace
