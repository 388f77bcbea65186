#include "haywatt/base/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>

#include "haywatt/base/error.hpp"

namespace haywatt {
namespace {

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string temporary_name(const std::string& path) {
  static std::atomic<unsigned> counter{0};
  const auto slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "" : path.substr(0, slash + 1);
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  return folder + "." + name + "." + std::to_string(::getpid()) + "-" + std::to_string(counter++) + ".tmp";
}

std::string cannot_write(const std::string& path) { return "cannot write " + path; }

}  // namespace

InputFile::InputFile(const std::string& path) : path_(path), fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
  if (fd_ < 0) fail_errno("cannot read " + path, errno);
  struct stat info {};
  if (::fstat(fd_, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(fd_);
    fail_input(path + " is not a regular file");
  }
  size_ = static_cast<std::uint64_t>(info.st_size);
}

InputFile::~InputFile() {
  if (fd_ >= 0) ::close(fd_);
}

void InputFile::read_at(std::uint64_t offset, std::span<std::byte> out) const {
  if (offset > size_ || out.size() > size_ - offset)
    fail_input(path_ + " is truncated: it ends at byte " + std::to_string(size_) + ", byte " +
               std::to_string(offset + out.size()) + " was wanted");
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t n = ::pread(fd_, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_errno("cannot read " + path_, errno);
    if (n == 0) fail_input(path_ + " is truncated: it became shorter while it was read");
    done += static_cast<std::size_t>(n);
  }
}

ByteVector InputFile::read_at(std::uint64_t offset, std::uint64_t size) const {
  if (offset > size_ || size > size_ - offset)
    read_at(offset, std::span<std::byte>(static_cast<std::byte*>(nullptr), size));
  ByteVector out(static_cast<std::size_t>(size));
  read_at(offset, out);
  return out;
}

AtomicFile::AtomicFile(const std::string& path, Existing existing) : path_(path), existing_(existing) {
  struct stat info {};
  const bool exists = ::stat(path.c_str(), &info) == 0;
  if (exists && !S_ISREG(info.st_mode)) fail_system(cannot_write(path) + ": it is not a regular file");
  if (exists && existing == Existing::Refuse) fail_usage(path + " exists already: choose another name or use --force");
  const mode_t mode = exists ? (info.st_mode & 07777) : 0666;
  fd_ = ::open(folder_of(path).c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
  if (fd_ >= 0) return;
  if (errno == EROFS || errno == EACCES || errno == ENOENT || errno == ENOTDIR) fail_errno(cannot_write(path), errno);
  temporary_ = temporary_name(path);  // this file system has no O_TMPFILE
  fd_ = ::open(temporary_.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, mode);
  if (fd_ < 0) fail_errno(cannot_write(path), errno);
}

AtomicFile::~AtomicFile() {
  if (fd_ >= 0) ::close(fd_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::write_at(std::uint64_t offset, ByteSpan bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::pwrite(fd_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_errno(cannot_write(path_), errno);
    done += static_cast<std::size_t>(n);
  }
  std::atomic_ref<std::uint64_t> end(end_);
  std::uint64_t seen = end.load();
  while (seen < offset + bytes.size() && !end.compare_exchange_weak(seen, offset + bytes.size())) {
  }
}

std::uint64_t AtomicFile::append(ByteSpan bytes) {
  const std::uint64_t offset = std::atomic_ref<std::uint64_t>(end_).fetch_add(bytes.size());
  write_at(offset, bytes);
  return offset;
}

void AtomicFile::commit() {
  if (::fsync(fd_) != 0 && errno != EINVAL) fail_errno(cannot_write(path_), errno);
  if (temporary_.empty()) {
    const std::string self = "/proc/self/fd/" + std::to_string(fd_);
    if (existing_ == Existing::Refuse) {
      if (::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, path_.c_str(), AT_SYMLINK_FOLLOW) != 0) {
        if (errno == EEXIST) fail_usage(path_ + " exists already: choose another name or use --force");
        fail_errno(cannot_write(path_), errno);
      }
    } else {
      temporary_ = temporary_name(path_);
      if (::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, temporary_.c_str(), AT_SYMLINK_FOLLOW) != 0) {
        const int why = errno;
        temporary_.clear();
        fail_errno(cannot_write(path_), why);
      }
    }
  }
  if (!temporary_.empty()) {
    // renameat2 with NOREPLACE is not on every file system; link() has the same meaning everywhere.
    if (existing_ == Existing::Refuse) {
      if (::link(temporary_.c_str(), path_.c_str()) != 0) {
        if (errno == EEXIST) fail_usage(path_ + " exists already: choose another name or use --force");
        fail_errno(cannot_write(path_), errno);
      }
      ::unlink(temporary_.c_str());
    } else if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
      fail_errno(cannot_write(path_), errno);
    }
    temporary_.clear();
  }
  const int folder = ::open(folder_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    ::fsync(folder);  // makes the new name durable; a failure here leaves a complete file all the same
    ::close(folder);
  }
  ::close(fd_);
  fd_ = -1;
}

std::uint64_t xxh3_of_file(const std::string& path) {
  const InputFile file(path);
  const std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> state(XXH3_createState(), XXH3_freeState);
  if (!state || XXH3_64bits_reset(state.get()) != XXH_OK) fail_system("out of memory");
  ByteVector piece(std::size_t{1} << 20);
  for (std::uint64_t at = 0; at < file.size(); at += piece.size()) {
    piece.resize(static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), file.size() - at)));
    file.read_at(at, piece);
    (void)XXH3_64bits_update(state.get(), piece.data(), piece.size());
  }
  return XXH3_64bits_digest(state.get());
}

std::string read_text_file(const std::string& path, std::uint64_t limit) {
  const InputFile file(path);
  if (file.size() > limit) fail_input(path + " is too large: " + std::to_string(file.size()) + " bytes");
  const ByteVector bytes = file.read_at(0, file.size());
  return std::string(as_text(bytes));
}

void write_text_file(const std::string& path, std::string_view text) {
  AtomicFile file(path, AtomicFile::Existing::Replace);
  file.append(as_byte_span(text));
  file.commit();
}

}  // namespace haywatt
