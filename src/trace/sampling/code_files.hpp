/// The files that programs run code of, each opened once, and the names of what lies in them. Not thread-safe.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>

#include "trace/sampling/elf_image.hpp"

namespace haywatt::trace {

/// A file as the kernel names it in a mapping.
struct FileName {
  std::string path;         ///< within the root of the process that mapped it
  std::uint64_t inode = 0;  ///< 0: not known
};

class CodeFile {
 public:
  CodeFile(std::string name, std::string module) : path_(std::move(name)), module_(std::move(module)) {}
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const std::string& module() const { return module_; }  ///< last part of the path
  [[nodiscard]] ElfImage* image() const { return image_.get(); }       ///< nullptr: not readable, or not ELF
  [[nodiscard]] bool is_vdso() const { return path_ == "[vdso]"; }

  /// The StackBuilder's frame for an address; filled by whoever asks.
  std::unordered_map<std::uint64_t, std::uint32_t> frames;

 private:
  friend class CodeFiles;
  std::string path_, module_;
  std::unique_ptr<ElfImage> image_;
};

class CodeFiles {
 public:
  /// The file, opened through the root folder of `pid` if that still runs, so that it is found in containers too. A
  /// file that has another inode than `name` says has been replaced and is not read. Valid while this is.
  [[nodiscard]] CodeFile& find(const FileName& name, pid_t pid);

 private:
  std::map<std::pair<std::string, std::uint64_t>, std::unique_ptr<CodeFile>> files_;
};

}  // namespace haywatt::trace
