#include "data/byte_source.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "haywatt/base/error.hpp"

namespace haywatt::data {
namespace {

class MemoryBytes final : public ByteSource {
 public:
  explicit MemoryBytes(ByteVector bytes) : bytes_(std::move(bytes)) {}
  [[nodiscard]] std::uint64_t size() const override { return bytes_.size(); }
  [[nodiscard]] std::uint64_t memory_bytes() const override { return bytes_.capacity(); }
  void read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    check_range(offset, out.size());
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(offset), out.size(), out.begin());
  }

 private:
  ByteVector bytes_;
};

class TemporaryBytes final : public ByteSource {
 public:
  TemporaryBytes(int fd, std::uint64_t size) : fd_(fd), size_(size) {}
  ~TemporaryBytes() override { ::close(fd_); }
  TemporaryBytes(const TemporaryBytes&) = delete;
  TemporaryBytes& operator=(const TemporaryBytes&) = delete;
  [[nodiscard]] std::uint64_t size() const override { return size_; }
  void read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    check_range(offset, out.size());
    std::size_t done = 0;
    while (done < out.size()) {
      const ssize_t n = ::pread(fd_, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) fail_errno("cannot read a temporary file", n < 0 ? errno : EIO);
      done += static_cast<std::size_t>(n);
    }
  }

 private:
  int fd_;
  std::uint64_t size_;
};

int open_temporary() {
  const char* folder = std::getenv("TMPDIR");
  const std::string where = folder != nullptr && *folder != '\0' ? folder : "/tmp";
  int fd = ::open(where.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0) return fd;
  std::string name = where + "/haywatt-XXXXXX";
  fd = ::mkostemp(name.data(), O_CLOEXEC);
  if (fd < 0) fail_errno("cannot make a temporary file in " + where + " (set TMPDIR to choose another folder)", errno);
  ::unlink(name.c_str());
  return fd;
}

}  // namespace

void ByteSource::check_range(std::uint64_t offset, std::uint64_t wanted) const {
  if (offset > size() || wanted > size() - offset)
    fail_input("truncated: " + std::to_string(wanted) + " bytes wanted at byte " + std::to_string(offset) + " of " +
               std::to_string(size()));
}

ByteVector ByteSource::read(std::uint64_t offset, std::uint64_t size) const {
  check_range(offset, size);
  ByteVector out(static_cast<std::size_t>(size));
  read_at(offset, out);
  return out;
}

FileRange::FileRange(std::shared_ptr<const InputFile> file) : file_(std::move(file)), size_(file_->size()) {}

FileRange::FileRange(std::shared_ptr<const InputFile> file, std::uint64_t offset, std::uint64_t size)
    : file_(std::move(file)), offset_(offset), size_(size) {}

void FileRange::read_at(std::uint64_t offset, std::span<std::byte> out) const {
  check_range(offset, out.size());
  file_->read_at(offset_ + offset, out);
}

Spool::~Spool() {
  if (fd_ >= 0) ::close(fd_);
}

void Spool::append(ByteSpan bytes) {
  if (fd_ < 0 && bytes.size() > allowance_ - std::min<std::uint64_t>(allowance_, size_)) {
    fd_ = open_temporary();
    write_out(memory_);
    memory_ = {};
  }
  if (fd_ >= 0) {
    write_out(bytes);
  } else {
    // Doubling must not take more than the allowance.
    const std::size_t needed = memory_.size() + bytes.size();
    if (needed > memory_.capacity())
      memory_.reserve(std::max<std::size_t>(
          needed, std::min<std::size_t>(2 * memory_.capacity(), static_cast<std::size_t>(allowance_))));
    memory_.insert(memory_.end(), bytes.begin(), bytes.end());
  }
  size_ += bytes.size();
}

void Spool::write_out(ByteSpan bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::write(fd_, bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_errno("cannot fill a temporary file (set TMPDIR to choose another folder)", errno);
    done += static_cast<std::size_t>(n);
  }
}

std::unique_ptr<ByteSource> Spool::finish() {
  const std::uint64_t size = std::exchange(size_, 0);
  if (fd_ >= 0) return std::make_unique<TemporaryBytes>(std::exchange(fd_, -1), size);
  return std::make_unique<MemoryBytes>(std::exchange(memory_, {}));
}

}  // namespace haywatt::data
