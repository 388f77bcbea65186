/// Tables as text: .csv and .csv.gz.
///
/// Reading: a header line, then lines of numbers, separated by comma, semicolon or tab (found from the header). LF or
/// CRLF; a UTF-8 byte order mark and blank lines are skipped. A column whose cells are all whole numbers in the range
/// of int64 is i8, any other f8; an empty cell is NaN. The text is read once, at open; the cells are kept as 8-byte
/// numbers, in memory if they fit ReadOptions::memory_bytes, else in an unnamed temporary file.
///
/// Writing: the same header, the fewest digits that read back the same, NaN as an empty cell ("nan" where it is the
/// only cell of its line). How a number was written ("1.50", "1e2") is not kept, nor the payload and sign of a NaN.
#pragma once
#include <memory>
#include <string>

#include "haywatt/data/table_io.hpp"

namespace haywatt::data {

[[nodiscard]] std::unique_ptr<TableReader> open_csv(const std::string& path, bool gzip, const ReadOptions& options);
/// Error(Usage) for fields, jagged columns, and columns of different lengths. Carried arrays have no place in a CSV
/// file: a warning names them.
[[nodiscard]] std::unique_ptr<TableWriter> create_csv(const std::string& path, bool gzip, const Schema& schema,
                                                      AtomicFile::Existing existing);

}  // namespace haywatt::data
