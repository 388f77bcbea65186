/// Readers and writers of tables, chosen by file name: .npz .npy .csv .csv.gz
#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "haywatt/base/file.hpp"
#include "haywatt/data/schema.hpp"

namespace haywatt {

struct ReadOptions {
  /// How much memory the reader itself may hold. Stored C-order and Fortran-order input is read in place; a deflated
  /// member or CSV larger than this is spooled to an unnamed temporary file.
  std::uint64_t memory_bytes = std::uint64_t{256} << 20;
};

/// A table on disk. Thread-safe: read() may be called from several threads.
class TableReader {
 public:
  virtual ~TableReader() = default;
  [[nodiscard]] virtual const Schema& schema() const = 0;
  /// Rows [first_row, first_row + rows) of every column, each clipped to its length. Error(BadInput) on damage.
  [[nodiscard]] virtual Chunk read(std::uint64_t first_row, std::uint64_t rows) const = 0;
  /// Bytes of the file on disk.
  [[nodiscard]] virtual std::uint64_t file_bytes() const = 0;
};

/// Receives chunks in row order; nothing appears at the target before finish().
class TableWriter {
 public:
  virtual ~TableWriter() = default;
  virtual void write(const Chunk& chunk) = 0;
  virtual void finish() = 0;
};

/// Error(BadInput) for damaged, unsupported (object arrays, complex, long double) or unknown files, one line each.
[[nodiscard]] std::unique_ptr<TableReader> open_table(const std::string& path, const ReadOptions& options = {});
/// `schema` may come from another format; a table without a counterpart in the target (e.g. a field into CSV) is
/// Error(Usage).
[[nodiscard]] std::unique_ptr<TableWriter> create_table(const std::string& path, const Schema& schema,
                                                        AtomicFile::Existing existing);

}  // namespace haywatt
