#include "haywatt/data/statistics.hpp"

#include <algorithm>
#include <cmath>

#include "data/value_types.hpp"
#include "haywatt/base/span.hpp"

namespace haywatt {

void accumulate(ColumnStatistics& s, const DType& type, const ColumnData& data) {
  visit_type(type, [&]<class T>(T) {
    const auto values = values_of<T>(data.values);
    s.values += values.size();
    double low = s.finite > 0 ? s.minimum : INFINITY;
    double high = s.finite > 0 ? s.maximum : -INFINITY;
    for (const T& raw : values) {
      const double v = to_double(raw);
      if (!std::isfinite(v)) {
        s.whole_numbers = false;
        continue;
      }
      ++s.finite;
      low = std::min(low, v);
      high = std::max(high, v);
      s.whole_numbers = s.whole_numbers && v == std::trunc(v);
    }
    if (s.finite > 0) {
      s.minimum = low;
      s.maximum = high;
    }
  });
}

std::vector<ColumnStatistics> scan_statistics(const TableReader& reader, std::uint64_t chunk_rows) {
  const Schema& schema = reader.schema();
  std::vector<ColumnStatistics> statistics(schema.columns.size());
  const std::uint64_t rows = schema.rows();
  for (std::uint64_t row = 0; row < rows; row += chunk_rows) {
    Chunk chunk;
    {
      const ScopedSpan span("read");
      chunk = reader.read(row, std::min(chunk_rows, rows - row));
    }
    const ScopedSpan span("prepare");
    for (std::size_t c = 0; c < statistics.size(); ++c)
      accumulate(statistics[c], schema.columns[c].dtype, chunk.columns[c]);
  }
  return statistics;
}

void ErrorStatistics::merge(const ErrorStatistics& o) {
  values += o.values;
  exact += o.exact;
  violations += o.violations;
  not_finite += o.not_finite;
  max_abs = std::max(max_abs, o.max_abs);
  max_rel = std::max(max_rel, o.max_rel);
  sum_squared += o.sum_squared;
}

void accumulate_errors(ErrorStatistics& e, const DType& type, ByteSpan original, ByteSpan decoded) {
  if (original.size() != decoded.size()) fail_check("decoded data have another size than the original");
  visit_type(type, [&]<class T>(T) {
    const auto x = values_of<T>(original);
    const auto y = values_of<T>(decoded);
    e.values += x.size();
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double a = to_double(x[i]);
      const double b = to_double(y[i]);
      const bool finite = std::isfinite(a) && std::isfinite(b);
      if (!finite) ++e.not_finite;
      if (same_bits(x[i], y[i])) {
        ++e.exact;
        continue;
      }
      if (!finite) continue;
      const double d = difference_magnitude(x[i], y[i]);
      e.max_abs = std::max(e.max_abs, d);
      if (a != 0.0) e.max_rel = std::max(e.max_rel, d / std::fabs(a));
      e.sum_squared += d * d;
    }
  });
}

std::vector<double> to_doubles(const DType& type, ByteSpan bytes) {
  std::vector<double> out;
  visit_type(type, [&]<class T>(T) {
    const auto values = values_of<T>(bytes);
    out.reserve(values.size());
    for (const T& v : values) out.push_back(to_double(v));
  });
  return out;
}

}  // namespace haywatt
