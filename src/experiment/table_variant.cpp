#include "haywatt/experiment/table_variant.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "experiment/convert_values.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/data/table_io.hpp"

namespace haywatt::experiment {
namespace {

constexpr std::uint64_t bytes_at_once = std::uint64_t{32} << 20;

/// In place; the columns of one array have the same type before and after.
void set_float_type(Schema& schema, const DType& type) {
  for (ColumnInfo& c : schema.columns) {
    if (!c.dtype.is_float()) continue;
    c.dtype = type;
    schema.arrays.at(c.source_array).descr = fmt::format("<f{}", type.size);
  }
}

}  // namespace

void write_variant(const std::string& source, const TableVariant& variant, const std::string& target) {
  const auto reader = open_table(source);
  const Schema& given = reader->schema();
  const std::uint64_t base = variant.base == 0 ? given.rows() : variant.base;
  const std::uint64_t rows = variant.rows == 0 ? base : variant.rows;
  if (base == 0 || given.rows() < base)
    fail_usage(fmt::format("{} has {} rows, fewer than {}", source, given.rows(), std::max<std::uint64_t>(base, 1)));
  if (variant.float_type && given.format == "csv")
    fail_usage(source + ": the digits of a CSV file have no float type; write it as .npz or .npy");
  std::vector<std::uint32_t> kept;
  Schema schema = select(given, "*", 0, base, kept);
  for (ColumnInfo& c : schema.columns) {
    if (c.rows != base || c.layout == Layout::Jagged)
      fail_usage(source + ": other numbers of rows need a table whose columns all have the same");
    c.rows = rows;
    if (c.source_array < schema.arrays.size()) schema.arrays[c.source_array].shape.at(0) = rows;
  }
  if (variant.float_type) set_float_type(schema, *variant.float_type);
  const std::uint64_t row_B = std::max<std::uint64_t>(1, given.raw_bytes() / given.rows());
  const std::uint64_t at_once = std::max<std::uint64_t>(1, bytes_at_once / row_B);
  const auto writer = create_table(target, schema, AtomicFile::Existing::Replace);
  for (std::uint64_t at = 0; at < rows;) {
    const std::uint64_t first = at % base;
    Chunk chunk = reader->read(first, std::min({at_once, base - first, rows - at}));
    chunk.first_row = at;
    for (std::size_t i = 0; i < schema.columns.size(); ++i)
      chunk.columns[i].values =
          convert_values(given.columns[kept[i]].dtype, chunk.columns[i].values, schema.columns[i].dtype);
    writer->write(chunk);
    at += chunk.rows;
  }
  writer->finish();
}

}  // namespace haywatt::experiment
