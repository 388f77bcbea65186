// How far two tables lie apart.
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

}  // namespace haywatt::experiment
