/// Bytes that can be read at any offset, wherever they lie: a range of a file, memory, an unnamed temporary file.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "haywatt/base/bytes.hpp"
#include "haywatt/base/file.hpp"

namespace haywatt::data {

/// Thread-safe: read_at() may be called from several threads.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  [[nodiscard]] virtual std::uint64_t size() const = 0;
  /// Exactly `out.size()` bytes from `offset`; Error(BadInput) "truncated" past the end.
  virtual void read_at(std::uint64_t offset, std::span<std::byte> out) const = 0;
  /// Bytes of memory that the source itself holds.
  [[nodiscard]] virtual std::uint64_t memory_bytes() const { return 0; }
  /// Allocates `size` bytes only after checking that they are there.
  [[nodiscard]] ByteVector read(std::uint64_t offset, std::uint64_t size) const;
  [[nodiscard]] ByteVector read_all() const { return read(0, size()); }

 protected:
  void check_range(std::uint64_t offset, std::uint64_t wanted) const;
};

/// Bytes [offset, offset + size) of a file. The file must be that long.
class FileRange final : public ByteSource {
 public:
  explicit FileRange(std::shared_ptr<const InputFile> file);
  FileRange(std::shared_ptr<const InputFile> file, std::uint64_t offset, std::uint64_t size);
  [[nodiscard]] std::uint64_t size() const override { return size_; }
  void read_at(std::uint64_t offset, std::span<std::byte> out) const override;

 private:
  std::shared_ptr<const InputFile> file_;
  std::uint64_t offset_ = 0;
  std::uint64_t size_ = 0;
};

/// Collects bytes of unknown number: in memory up to an allowance, beyond it in an unnamed temporary file in $TMPDIR
/// (/tmp when unset), which the kernel removes with the process.
class Spool {
 public:
  explicit Spool(std::uint64_t memory_allowance) : allowance_(memory_allowance) {}
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;
  /// Error(System) when the temporary file cannot be made or filled.
  void append(ByteSpan bytes);
  [[nodiscard]] std::uint64_t size() const { return size_; }
  /// What was collected. The spool is empty afterwards.
  [[nodiscard]] std::unique_ptr<ByteSource> finish();

 private:
  void write_out(ByteSpan bytes);
  std::uint64_t allowance_;
  std::uint64_t size_ = 0;
  ByteVector memory_;
  int fd_ = -1;
};

}  // namespace haywatt::data
