/// An ELF file as a sampler needs it: what its code is called and how to get from a function to its caller. Files are
/// read, never mapped, so that one that is cut meanwhile is an error and no signal. Not thread-safe.
#pragma once
#include <elfutils/libdw.h>
#include <gelf.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "haywatt/base/bytes.hpp"
#include "trace/sampling/unwind_row.hpp"

namespace haywatt::trace {

class ElfImage {
 public:
  /// Takes `fd` over. nullptr if it is no ELF file of this machine's kind.
  [[nodiscard]] static std::unique_ptr<ElfImage> read(int fd);
  /// An image that lies in memory, as the vDSO does.
  [[nodiscard]] static std::unique_ptr<ElfImage> read(std::string bytes);
  ~ElfImage();
  ElfImage(const ElfImage&) = delete;
  ElfImage& operator=(const ElfImage&) = delete;

  /// The address that its headers give to what lies at a place in the file.
  [[nodiscard]] std::optional<std::uint64_t> address_at(std::uint64_t file_offset) const;
  /// Name of the function at an address, not demangled; empty if there is none. Valid while the image is.
  [[nodiscard]] std::string_view function_at(std::uint64_t address);
  /// nullptr if there is no row. Valid until the next call.
  [[nodiscard]] const UnwindRow* row_at(std::uint64_t address);

 private:
  struct Segment {
    std::uint64_t offset = 0, size = 0, address = 0;
  };
  struct Symbol {
    std::uint64_t start = 0, size = 0;
    std::uint32_t name = 0;  ///< place in names_
  };
  ElfImage() = default;
  bool accept();
  void read_symbols();
  void read_symbols_of(Elf_Scn* section, const GElf_Shdr& header);

  int fd_ = -1;
  std::string bytes_;
  Elf* elf_ = nullptr;
  Dwarf_CFI* cfi_ = nullptr;
  bool cfi_looked_for_ = false, symbols_read_ = false;
  std::vector<Segment> segments_;
  std::vector<Symbol> symbols_;  ///< by start
  std::string names_;
  std::unordered_map<std::uint64_t, std::optional<UnwindRow>> rows_;
};

}  // namespace haywatt::trace
