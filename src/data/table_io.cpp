#include "haywatt/data/table_io.hpp"

#include <algorithm>

#include "data/array_table.hpp"
#include "data/array_writer.hpp"
#include "data/csv_table.hpp"
#include "haywatt/base/error.hpp"

namespace haywatt {
namespace {

enum class FileKind { Npz, Npy, Csv, CsvGz, Unknown };

FileKind kind_of(const std::string& path) {
  std::string lower = path;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  if (lower.ends_with(".npz")) return FileKind::Npz;
  if (lower.ends_with(".npy")) return FileKind::Npy;
  if (lower.ends_with(".csv")) return FileKind::Csv;
  if (lower.ends_with(".csv.gz")) return FileKind::CsvGz;
  return FileKind::Unknown;
}

constexpr const char* known_kinds = "known are .npz .npy .csv .csv.gz";

}  // namespace

std::unique_ptr<TableReader> open_table(const std::string& path, const ReadOptions& options) {
  switch (kind_of(path)) {
    case FileKind::Npz:
      return data::open_npz(path, options);
    case FileKind::Npy:
      return data::open_npy(path, options);
    case FileKind::Csv:
    case FileKind::CsvGz:
      return data::open_csv(path, kind_of(path) == FileKind::CsvGz, options);
    case FileKind::Unknown:
      break;
  }
  static_cast<void>(InputFile(path));  // a file that is not there is the first thing to say
  fail_input("unknown kind of table " + path + ": " + known_kinds);
}

std::unique_ptr<TableWriter> create_table(const std::string& path, const Schema& schema,
                                          AtomicFile::Existing existing) {
  switch (kind_of(path)) {
    case FileKind::Npz:
      return data::create_npz(path, schema, existing);
    case FileKind::Npy:
      return data::create_npy(path, schema, existing);
    case FileKind::Csv:
    case FileKind::CsvGz:
      return data::create_csv(path, kind_of(path) == FileKind::CsvGz, schema, existing);
    case FileKind::Unknown:
      break;
  }
  fail_usage("unknown kind of table " + path + ": " + known_kinds);
}

}  // namespace haywatt
