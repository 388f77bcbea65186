/// Corrections of single values in normalised space, and Baler's two files of them.
///
/// Baler subtracts a float16 number from the decoder's output at (row, column). It finds them by batch: the files hold,
/// a batch, the numbers and the two arrays of rows within the batch and columns. The same place may occur more than
/// once; all its numbers are subtracted, in order.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "codec/baler/scalars.hpp"
#include "haywatt/base/file.hpp"
#include "haywatt/data/gzip_file.hpp"

namespace haywatt::baler {

struct Corrections {
  std::vector<std::uint64_t> positions;  ///< row * columns + column, rising
  std::vector<Half> values;
  [[nodiscard]] std::size_t size() const { return positions.size(); }
};

struct CorrectionShape {
  std::uint64_t rows = 0, columns = 0, batch_size = 1;
  [[nodiscard]] std::uint64_t batches() const { return (rows + batch_size - 1) / batch_size; }
};

/// The names beside an .npz: Baler's for "compressed.npz".
[[nodiscard]] std::string deltas_path(const std::string& npz);
[[nodiscard]] std::string index_path(const std::string& npz);

enum class CorrectionLayout {
  AsBaler,  ///< every batch is listed; numbers as pickled scalars unless all batches have as many
  Padded,   ///< all batches that have any are listed, filled up with zeros at (0, 0) to the same number: no pickled
            ///< scalars. Baler reads it like the other
};

/// Both files, written whole but without their names yet.
struct PendingCorrections {
  std::unique_ptr<GzipFileWriter> deltas, index;
  [[nodiscard]] std::uint64_t bytes() const { return deltas->file_bytes() + index->file_bytes(); }
  void commit() {
    deltas->commit();
    index->commit();
  }
};
[[nodiscard]] PendingCorrections write_corrections(const std::string& npz, const Corrections& corrections,
                                                   const CorrectionShape& shape, CorrectionLayout layout,
                                                   AtomicFile::Existing existing);

/// Reads both. Error(BadInput), one line, for code in their pickles (named), places outside the table, numbers that do
/// not match the index.
[[nodiscard]] Corrections read_corrections(const std::string& npz, const CorrectionShape& shape);
/// The same from what the gzip files hold; the names are for messages.
[[nodiscard]] Corrections parse_corrections(ByteSpan deltas, const std::string& deltas_name, ByteSpan index,
                                            const std::string& index_name, const CorrectionShape& shape);

}  // namespace haywatt::baler
