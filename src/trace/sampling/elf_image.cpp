#include "trace/sampling/elf_image.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace haywatt::trace {
namespace {

constexpr std::size_t most_symbols = 20'000'000, most_rows = 200'000, longest_name = 4096;
constexpr int most_segments = 256;

#if defined(__x86_64__)
constexpr int machine = EM_X86_64;
#else
constexpr int machine = EM_AARCH64;
#endif

}  // namespace

std::unique_ptr<ElfImage> ElfImage::read(int fd) {
  std::unique_ptr<ElfImage> image(new ElfImage);
  image->fd_ = fd;
  ::elf_version(EV_CURRENT);
  image->elf_ = ::elf_begin(fd, ELF_C_READ, nullptr);
  return image->accept() ? std::move(image) : nullptr;
}

std::unique_ptr<ElfImage> ElfImage::read(std::string bytes) {
  std::unique_ptr<ElfImage> image(new ElfImage);
  image->bytes_ = std::move(bytes);
  ::elf_version(EV_CURRENT);
  image->elf_ = ::elf_memory(image->bytes_.data(), image->bytes_.size());
  return image->accept() ? std::move(image) : nullptr;
}

ElfImage::~ElfImage() {
  if (cfi_ != nullptr) ::dwarf_cfi_end(cfi_);
  if (elf_ != nullptr) ::elf_end(elf_);
  if (fd_ >= 0) ::close(fd_);
}

bool ElfImage::accept() {
  GElf_Ehdr header;
  std::size_t count = 0;
  if (elf_ == nullptr || ::elf_kind(elf_) != ELF_K_ELF || ::gelf_getehdr(elf_, &header) == nullptr ||
      header.e_machine != machine || header.e_ident[EI_CLASS] != ELFCLASS64 || ::elf_getphdrnum(elf_, &count) != 0)
    return false;
  for (int i = 0; i < static_cast<int>(std::min<std::size_t>(count, most_segments)); ++i) {
    GElf_Phdr p;
    if (::gelf_getphdr(elf_, i, &p) != nullptr && p.p_type == PT_LOAD && (p.p_flags & PF_X) != 0)
      segments_.push_back({p.p_offset, p.p_filesz, p.p_vaddr});
  }
  return true;
}

std::optional<std::uint64_t> ElfImage::address_at(std::uint64_t file_offset) const {
  for (const Segment& s : segments_)
    if (file_offset >= s.offset && file_offset - s.offset < s.size) return s.address + (file_offset - s.offset);
  return std::nullopt;
}

void ElfImage::read_symbols_of(Elf_Scn* section, const GElf_Shdr& header) {
  Elf_Data* data = ::elf_getdata(section, nullptr);
  Elf_Scn* text = ::elf_getscn(elf_, header.sh_link);
  Elf_Data* texts = text != nullptr ? ::elf_getdata(text, nullptr) : nullptr;
  if (data == nullptr || texts == nullptr || texts->d_buf == nullptr || header.sh_entsize == 0) return;
  const std::size_t count = std::min(data->d_size / sizeof(Elf64_Sym), most_symbols);
  const auto* names = static_cast<const char*>(texts->d_buf);
  for (std::size_t i = 0; i < count; ++i) {
    GElf_Sym symbol;
    if (::gelf_getsym(data, static_cast<int>(i), &symbol) == nullptr) break;
    const int type = GELF_ST_TYPE(symbol.st_info);
    if ((type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_NOTYPE) || symbol.st_shndx == SHN_UNDEF ||
        symbol.st_shndx == SHN_ABS || symbol.st_name >= texts->d_size)
      continue;
    const char* name = names + symbol.st_name;
    const std::size_t length = ::strnlen(name, std::min(texts->d_size - symbol.st_name, longest_name));
    // Labels of assembly ("$x", ".L12") are no functions; those without a type but with a name may be.
    if (length == 0 || (type == STT_NOTYPE && (name[0] == '$' || name[0] == '.'))) continue;
    if (names_.size() > UINT32_MAX - length - 1) break;
    symbols_.push_back({symbol.st_value, symbol.st_size, static_cast<std::uint32_t>(names_.size())});
    names_.append(name, length).push_back('\0');
  }
}

void ElfImage::read_symbols() {
  symbols_read_ = true;
  for (const unsigned wanted : {SHT_SYMTAB, SHT_DYNSYM}) {
    Elf_Scn* section = nullptr;
    while ((section = ::elf_nextscn(elf_, section)) != nullptr) {
      GElf_Shdr header;
      if (::gelf_getshdr(section, &header) != nullptr && header.sh_type == wanted) read_symbols_of(section, header);
    }
    if (!symbols_.empty()) break;  // .symtab holds all that .dynsym does
  }
  std::stable_sort(symbols_.begin(), symbols_.end(), [](const Symbol& a, const Symbol& b) {
    return a.start != b.start ? a.start < b.start : a.size > b.size;
  });
}

std::string_view ElfImage::function_at(std::uint64_t address) {
  if (!symbols_read_) read_symbols();
  auto after = std::upper_bound(symbols_.begin(), symbols_.end(), address,
                                [](std::uint64_t a, const Symbol& s) { return a < s.start; });
  if (after == symbols_.begin()) return {};
  // The first of those that begin at the same place has the largest size.
  const std::uint64_t start = std::prev(after)->start;
  auto found =
      std::lower_bound(symbols_.begin(), after, start, [](const Symbol& s, std::uint64_t a) { return s.start < a; });
  // A symbol without a size reaches to the next; one with a size not beyond its end.
  if (found->size != 0 && address - found->start >= found->size) return {};
  return names_.c_str() + found->name;
}

const UnwindRow* ElfImage::row_at(std::uint64_t address) {
  if (!cfi_looked_for_) {
    cfi_looked_for_ = true;
    cfi_ = ::dwarf_getcfi_elf(elf_);
  }
  const auto known = rows_.find(address);
  if (known != rows_.end()) return known->second ? &*known->second : nullptr;
  if (rows_.size() >= most_rows) rows_.clear();
  const auto& row = rows_.emplace(address, read_unwind_row(cfi_, address)).first->second;
  return row ? &*row : nullptr;
}

}  // namespace haywatt::trace
