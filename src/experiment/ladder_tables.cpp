// Tables of a ladder: one of any length from the first rows of another, and how far two of them lie apart.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "haywatt/base/error.hpp"
#include "haywatt/data/statistics.hpp"
#include "haywatt/data/table_io.hpp"
#include "haywatt/experiment/ladder.hpp"

namespace haywatt::experiment {
namespace {

struct Columns {
  std::vector<std::vector<double>> values;

  explicit Columns(const std::string& path) {
    const auto reader = open_table(path);
    const Schema& schema = reader->schema();
    const Chunk all = reader->read(0, schema.rows());
    for (std::size_t i = 0; i < schema.columns.size(); ++i)
      values.push_back(to_doubles(schema.columns[i].dtype, all.columns[i].values));
  }
};

void require_same_shape(const Columns& a, const std::string& name_a, const Columns& b, const std::string& name_b) {
  bool same = a.values.size() == b.values.size();
  for (std::size_t i = 0; same && i < a.values.size(); ++i) same = a.values[i].size() == b.values[i].size();
  if (!same) fail_input(fmt::format("{} and {} do not have the same columns and rows", name_a, name_b));
}

/// |a - b| over the range of the column in `original`; a value that is not finite in one of them is infinitely far.
std::vector<double> shares(const Columns& original, const Columns& a, const Columns& b) {
  std::vector<double> all;
  for (std::size_t c = 0; c < original.values.size(); ++c) {
    const auto& column = original.values[c];
    if (column.empty()) continue;
    const auto [low, high] = std::minmax_element(column.begin(), column.end());
    const double range = *high - *low;
    if (!(range > 0.0)) continue;
    for (std::size_t i = 0; i < column.size(); ++i) {
      const double share = std::fabs(a.values[c][i] - b.values[c][i]) / range;
      all.push_back(std::isnan(share) ? INFINITY : share);
    }
  }
  return all;
}

}  // namespace

TableError table_error(const std::string& original, const std::string& restored) {
  const Columns a(original), b(restored);
  require_same_shape(a, original, b, restored);
  std::vector<double> all = shares(a, a, b);
  TableError e;
  if (all.empty()) return e;
  e.max = *std::max_element(all.begin(), all.end());
  const auto middle = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2);
  std::nth_element(all.begin(), middle, all.end());
  e.median = *middle;
  return e;
}

double table_difference(const std::string& original, const std::string& a, const std::string& b) {
  const Columns of(original), left(a), right(b);
  require_same_shape(of, original, left, a);
  require_same_shape(of, original, right, b);
  const std::vector<double> all = shares(of, left, right);
  return all.empty() ? 0.0 : *std::max_element(all.begin(), all.end());
}

void repeat_table(const std::string& source, std::uint64_t base, std::uint64_t rows, const std::string& target) {
  const auto reader = open_table(source);
  const std::uint64_t there = reader->schema().rows();
  if (there < base)
    fail_usage(fmt::format("{} has {} rows: the smallest size may not be larger than that", source, there));
  std::vector<std::uint32_t> kept;
  Schema schema = select(reader->schema(), "*", 0, base, kept);
  for (ColumnInfo& c : schema.columns) {
    if (c.rows != base || c.layout == Layout::Jagged)
      fail_usage(source + ": a ladder needs a table whose columns all have the same number of rows");
    c.rows = rows;
    if (c.source_array < schema.arrays.size()) schema.arrays[c.source_array].shape.at(0) = rows;
  }
  Chunk chunk = reader->read(0, base);
  const auto writer = create_table(target, schema, AtomicFile::Existing::Replace);
  for (std::uint64_t at = 0; at < rows; at += base) {
    const std::uint64_t now = std::min(base, rows - at);
    if (now < base) chunk = reader->read(0, now);
    chunk.first_row = at;
    chunk.rows = now;
    writer->write(chunk);
  }
  writer->finish();
}

}  // namespace haywatt::experiment
