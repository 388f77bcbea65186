#include "experiment/handed_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <optional>
#include <system_error>

#include "experiment/convert_values.hpp"
#include "haywatt/base/error.hpp"

namespace haywatt::experiment {
namespace {

constexpr std::uint64_t bytes_at_once = std::uint64_t{32} << 20;
constexpr DType float32{ScalarKind::Float, 4, false};
constexpr DType float64{ScalarKind::Float, 8, false};

bool is_matrix(TableForm form) {
  return form == TableForm::Npy || form == TableForm::RawF4 || form == TableForm::RawF8;
}

std::uint64_t values_a_row(const Schema& schema) {
  std::uint64_t n = 0;
  for (const ColumnInfo& c : schema.columns) n += c.values_per_row();
  return n;
}

/// The narrowest of the columns' common type, f4 and f8 that holds all values (but for integers beyond 2^53).
DType matrix_type(const Schema& schema, TableForm form) {
  if (form == TableForm::RawF4) return float32;
  if (form == TableForm::RawF8) return float64;
  const DType& first = schema.columns.front().dtype;
  const auto as_first = [&](const ColumnInfo& c) { return c.dtype.kind == first.kind && c.dtype.size == first.size; };
  if (std::all_of(schema.columns.begin(), schema.columns.end(), as_first)) return {first.kind, first.size, false};
  const auto in_float32 = [](const ColumnInfo& c) { return c.dtype.size <= (c.dtype.is_float() ? 4 : 2); };
  return std::all_of(schema.columns.begin(), schema.columns.end(), in_float32) ? float32 : float64;
}

/// Rows of a table as one matrix, row by row.
ByteVector interleaved(const Chunk& chunk, const Schema& schema, const DType& type) {
  const std::uint64_t row_B = values_a_row(schema) * type.size;
  ByteVector rows(chunk.rows * row_B);
  std::uint64_t offset = 0;
  for (std::size_t c = 0; c < schema.columns.size(); ++c) {
    const ByteVector values = convert_values(schema.columns[c].dtype, chunk.columns[c].values, type);
    const std::uint64_t piece_B = schema.columns[c].values_per_row() * type.size;
    for (std::uint64_t r = 0; r < chunk.rows; ++r)
      std::memcpy(rows.data() + r * row_B + offset, values.data() + r * piece_B, piece_B);
    offset += piece_B;
  }
  return rows;
}

std::string descr_of(const DType& type) {
  const char kind = type.kind == ScalarKind::Float  ? 'f'
                    : type.kind == ScalarKind::Int  ? 'i'
                    : type.kind == ScalarKind::UInt ? 'u'
                                                    : 'b';
  return fmt::format("{}{}{}", type.size == 1 ? '|' : '<', kind, type.size);
}

Schema matrix_schema(std::uint64_t rows, std::uint64_t columns, const DType& type) {
  Schema matrix;
  matrix.format = "npy";
  SourceArray array;
  array.role = ArrayRole::Field;
  array.descr = descr_of(type);
  array.shape = {rows, columns};
  matrix.arrays.push_back(array);
  ColumnInfo column;
  column.name = "data";
  column.dtype = type;
  column.layout = Layout::FixedShape;
  column.rows = rows;
  column.inner_shape = {columns};
  matrix.columns.push_back(column);
  return matrix;
}

/// A file of bare values, row by row.
class RawTable final : public TableReader {
 public:
  RawTable(const std::string& path, std::uint64_t rows, std::uint64_t columns, const DType& type)
      : file_(path), schema_(matrix_schema(rows, columns, type)), row_B_(columns * type.size) {
    if (file_.size() != rows * row_B_)
      fail_input(fmt::format("it decoded {} bytes, and {} rows of {} values of {} are {}", file_.size(), rows, columns,
                             type.name(), rows * row_B_));
  }
  [[nodiscard]] const Schema& schema() const override { return schema_; }
  [[nodiscard]] std::uint64_t file_bytes() const override { return file_.size(); }
  [[nodiscard]] Chunk read(std::uint64_t first_row, std::uint64_t rows) const override {
    const std::uint64_t all = schema_.rows();
    first_row = std::min(first_row, all);
    rows = std::min(rows, all - first_row);
    return {first_row, rows, {{rows, file_.read_at(first_row * row_B_, rows * row_B_), {}}}};
  }

 private:
  InputFile file_;
  Schema schema_;
  std::uint64_t row_B_;
};

/// Another table's values in the columns of `original`.
class LikeOriginal final : public TableReader {
 public:
  LikeOriginal(std::unique_ptr<TableReader> decoded, const Schema& original)
      : decoded_(std::move(decoded)), schema_(original) {
    const Schema& given = decoded_->schema();
    if (values_a_row(given) != values_a_row(schema_))
      fail_input(
          fmt::format("it decoded {} values a row, and there were {}", values_a_row(given), values_a_row(schema_)));
    for (std::size_t c = 0; c < given.columns.size(); ++c) {
      const ColumnInfo& info = given.columns[c];
      if (info.layout == Layout::Jagged)
        fail_input(fmt::format("it decoded lists of any length as column '{}'", info.name));
      for (std::uint64_t k = 0; k < info.values_per_row(); ++k) places_.push_back({c, k});
    }
    std::size_t place = 0;
    for (const ColumnInfo& info : schema_.columns) {
      for (std::uint64_t k = 0; k < info.values_per_row(); ++k)
        if (const auto rows = given.columns[places_[place++].column].rows; rows != info.rows)
          fail_input(fmt::format("it decoded {} rows of column '{}', and there were {}", rows, info.name, info.rows));
    }
  }
  [[nodiscard]] const Schema& schema() const override { return schema_; }
  [[nodiscard]] std::uint64_t file_bytes() const override { return decoded_->file_bytes(); }
  [[nodiscard]] Chunk read(std::uint64_t first_row, std::uint64_t rows) const override {
    const Chunk from = decoded_->read(first_row, rows);
    Chunk to{from.first_row, from.rows, {}};
    std::size_t place = 0;
    for (const ColumnInfo& info : schema_.columns) {
      to.columns.push_back(column(from, info, place));
      place += info.values_per_row();
    }
    return to;
  }

  /// "f8 for f4" of the first column whose type is another; empty if none is.
  [[nodiscard]] std::string conversion() const {
    std::size_t place = 0;
    for (const ColumnInfo& info : schema_.columns) {
      const DType& given = decoded_->schema().columns[places_[place].column].dtype;
      if (given.kind != info.dtype.kind || given.size != info.dtype.size)
        return fmt::format("{} for {}", given.name(), info.dtype.name());
      place += info.values_per_row();
    }
    return {};
  }

 private:
  struct Place {
    std::size_t column = 0;
    std::uint64_t value = 0;  ///< of its row
  };

  [[nodiscard]] ColumnData column(const Chunk& from, const ColumnInfo& info, std::size_t place) const {
    const std::uint64_t n = info.values_per_row(), size = info.dtype.size;
    const std::vector<ColumnInfo>& given = decoded_->schema().columns;
    const ColumnInfo& first = given[places_[place].column];
    if (places_[place].value == 0 && first.values_per_row() == n)
      return {from.columns[places_[place].column].rows,
              convert_values(first.dtype, from.columns[places_[place].column].values, info.dtype),
              {}};
    const std::uint64_t rows = from.columns[places_[place].column].rows;
    ColumnData to{rows, ByteVector(rows * n * size), {}};
    for (std::uint64_t k = 0; k < n; ++k) {
      const Place at = places_[place + k];
      const ColumnInfo& source = given[at.column];
      const ByteVector& values = from.columns[at.column].values;
      const std::uint64_t row_B = source.values_per_row() * source.dtype.size;
      ByteVector one(rows * source.dtype.size);
      for (std::uint64_t r = 0; r < rows; ++r)
        std::memcpy(one.data() + r * source.dtype.size, values.data() + r * row_B + at.value * source.dtype.size,
                    source.dtype.size);
      one = convert_values(source.dtype, one, info.dtype);
      for (std::uint64_t r = 0; r < rows; ++r)
        std::memcpy(to.values.data() + (r * n + k) * size, one.data() + r * size, size);
    }
    return to;
  }

  std::unique_ptr<TableReader> decoded_;
  Schema schema_;
  std::vector<Place> places_;  ///< of each value of a row
};

}  // namespace

std::string suffix_of(TableForm form) {
  switch (form) {
    case TableForm::Npz:
      return ".npz";
    case TableForm::Npy:
      return ".npy";
    case TableForm::RawF4:
      return ".f4";
    case TableForm::RawF8:
      return ".f8";
    case TableForm::Csv:
      break;
  }
  return ".csv";
}

std::string cannot_hand_over(const Schema& schema, TableForm form) {
  for (const ColumnInfo& c : schema.columns) {
    if (c.layout == Layout::Jagged)
      return fmt::format("an external method cannot be given lists of any length (column '{}')", c.name);
    if (is_matrix(form) && c.rows != schema.columns.front().rows)
      return fmt::format("as {} all columns must be of one length; '{}' is not: use npz", name_of(form), c.name);
  }
  return {};
}

void hand_over(const TableReader& table, const std::string& source, TableForm form, const std::string& path) {
  const Schema& schema = table.schema();
  if (source.ends_with(suffix_of(form)) && (form == TableForm::Npz || form == TableForm::Csv)) {
    // A copy and no link: a program may delete or change what it is given.
    std::error_code error;
    std::filesystem::copy_file(source, path, std::filesystem::copy_options::overwrite_existing, error);
    if (error) fail_system(fmt::format("cannot copy {} to {}: {}", source, path, error.message()));
    return;
  }
  const std::uint64_t rows = schema.rows();
  const DType type = matrix_type(schema, form);
  const std::uint64_t rows_at_once =
      std::max<std::uint64_t>(1, bytes_at_once / (8 * std::max<std::uint64_t>(1, values_a_row(schema))));
  std::unique_ptr<TableWriter> writer;
  std::optional<AtomicFile> raw;
  if (form == TableForm::RawF4 || form == TableForm::RawF8)
    raw.emplace(path, AtomicFile::Existing::Replace);
  else
    writer = create_table(path, form == TableForm::Npy ? matrix_schema(rows, values_a_row(schema), type) : schema,
                          AtomicFile::Existing::Replace);
  for (std::uint64_t row = 0; row < rows; row += rows_at_once) {
    const Chunk chunk = table.read(row, rows_at_once);
    if (raw)
      raw->append(interleaved(chunk, schema, type));
    else if (form == TableForm::Npy)
      writer->write({chunk.first_row, chunk.rows, {{chunk.rows, interleaved(chunk, schema, type), {}}}});
    else
      writer->write(chunk);
  }
  if (raw)
    raw->commit();
  else
    writer->finish();
}

std::unique_ptr<TableReader> take_back(const std::string& path, TableForm form, const Schema& original,
                                       std::uint64_t memory_B, std::string& conversion) {
  std::unique_ptr<TableReader> given;
  if (form == TableForm::RawF4 || form == TableForm::RawF8)
    given = std::make_unique<RawTable>(path, original.rows(), values_a_row(original), matrix_type(original, form));
  else
    given = open_table(path, {memory_B});
  auto table = std::make_unique<LikeOriginal>(std::move(given), original);
  conversion = table->conversion();
  return table;
}

}  // namespace haywatt::experiment
