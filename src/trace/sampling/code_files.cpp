#include "trace/sampling/code_files.hpp"

#include <elf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

namespace haywatt::trace {
namespace {

/// Files beyond are known by name alone: each holds a descriptor.
constexpr std::size_t most_files = 4'000;
/// libtorch with debug information has 4 GB.
constexpr off_t largest_file = off_t{1} << 34;

int open_regular(const std::string& path, std::uint64_t inode) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return -1;
  struct stat status {};
  if (::fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size <= largest_file &&
      (inode == 0 || status.st_ino == inode))
    return fd;
  ::close(fd);
  return -1;
}

/// The same vDSO is mapped into every process.
std::unique_ptr<ElfImage> own_vdso() {
  const unsigned long address = ::getauxval(AT_SYSINFO_EHDR);
  if (address == 0) return nullptr;
  // The kernel tells the address as a number. NOLINTNEXTLINE(performance-no-int-to-ptr)
  const auto* bytes = reinterpret_cast<const char*>(address);
  const auto* header = reinterpret_cast<const Elf64_Ehdr*>(bytes);
  const std::size_t size = header->e_shoff + std::size_t{header->e_shentsize} * header->e_shnum;
  return ElfImage::read(std::string(bytes, size));
}

std::string last_part(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos || slash + 1 == path.size() ? path : path.substr(slash + 1);
}

}  // namespace

CodeFile& CodeFiles::find(const FileName& name, pid_t pid) {
  const auto [at, is_new] = files_.try_emplace({name.path, name.inode});
  if (!is_new) return *at->second;
  at->second = std::make_unique<CodeFile>(name.path, last_part(name.path));
  CodeFile& file = *at->second;
  if (file.is_vdso()) {
    file.image_ = own_vdso();
  } else if (name.path.starts_with('/') && files_.size() <= most_files) {
    int fd = pid > 0 ? open_regular(fmt::format("/proc/{}/root{}", pid, name.path), name.inode) : -1;
    if (fd < 0) fd = open_regular(name.path, name.inode);
    if (fd >= 0) file.image_ = ElfImage::read(fd);
  }
  return file;
}

}  // namespace haywatt::trace
