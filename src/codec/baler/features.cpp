#include "codec/baler/features.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "codec/baler/scalars.hpp"

namespace haywatt::baler {
namespace {

constexpr std::uint64_t most_features = 65536;  // 26 million weights: beyond that the model outweighs the data
constexpr std::uint64_t reading_bytes = std::uint64_t{8} << 20;

template <class T>
void set_range(FeatureColumn& feature, double minimum, double maximum) {
  using W = Working<T>;
  const W low = static_cast<W>(minimum);
  const W range = static_cast<W>(maximum) - low;
  feature.minimum.push_back(low);
  feature.range.push_back(std::isfinite(range) ? range : W{0});
}

struct Extremes {
  double low = std::numeric_limits<double>::infinity(), high = -std::numeric_limits<double>::infinity();
};

std::vector<Extremes> scan_field(const FeatureColumn& feature, const TableReader& reader) {
  std::vector<Extremes> extremes(feature.width);
  const std::uint64_t rows = reader.schema().columns[feature.column].rows;
  const std::uint64_t step = reading_rows(reader.schema());
  for (std::uint64_t first = 0; first < rows; first += step) {
    const Chunk chunk = reader.read(first, std::min(step, rows - first));
    const ByteVector& values = chunk.columns[feature.column].values;
    visit_type(feature.type, [&](auto tag) {
      using T = decltype(tag);
      for (std::size_t i = 0; i < values.size() / sizeof(T); ++i) {
        const double x = to_working(load<T>(values.data() + i * sizeof(T)));
        Extremes& e = extremes[i % feature.width];
        if (!std::isfinite(x)) continue;
        e.low = std::min(e.low, x);
        e.high = std::max(e.high, x);
      }
    });
  }
  return extremes;
}

}  // namespace

std::vector<FeatureColumn> find_features(const Schema& schema, std::string& why) {
  std::map<std::uint64_t, std::uint64_t> lengths;
  std::vector<std::uint32_t> images;
  for (std::uint32_t i = 0; i < schema.columns.size(); ++i) {
    const ColumnInfo& column = schema.columns[i];
    if (column.rows == 0) continue;
    if (column.layout == Layout::Flat) ++lengths[column.rows];
    if (column.layout == Layout::FixedShape && column.inner_shape.size() >= 2) images.push_back(i);
  }
  std::uint64_t length = 0;
  for (const auto& [rows, columns] : lengths)
    if (columns >= 2 && columns >= lengths[length]) length = rows;
  std::vector<FeatureColumn> features;
  for (std::uint32_t i = 0; i < schema.columns.size() && length > 0; ++i) {
    const ColumnInfo& column = schema.columns[i];
    if (column.layout == Layout::Flat && column.rows == length) features.push_back({i, column.dtype, 1, false, {}, {}});
  }
  if (features.empty() && images.size() == 1) {
    const ColumnInfo& column = schema.columns[images[0]];
    features.push_back({images[0], column.dtype, column.values_per_row(), false, {}, {}});
  }
  if (features.empty()) {
    why = "baler needs at least two flat columns of the same length, or one array of images";
  } else if (feature_count(features) > most_features || feature_count(features) == 0) {
    why = "baler's network takes 1 to " + std::to_string(most_features) + " values a row; this table has " +
          std::to_string(feature_count(features));
    features.clear();
  }
  return features;
}

std::uint64_t feature_count(const std::vector<FeatureColumn>& features) {
  std::uint64_t count = 0;
  for (const FeatureColumn& feature : features) count += feature.width;
  return count;
}

void measure_ranges(std::vector<FeatureColumn>& features, const TableReader& reader,
                    const std::vector<ColumnStatistics>& statistics) {
  for (FeatureColumn& feature : features) {
    const ColumnStatistics& s = statistics[feature.column];
    feature.whole = s.whole_numbers;
    std::vector<Extremes> extremes = {{s.minimum, s.maximum}};
    if (feature.width > 1) extremes = scan_field(feature, reader);
    feature.minimum.clear();
    feature.range.clear();
    for (const Extremes& e : extremes) {
      const bool any = e.low <= e.high;
      visit_type(feature.type,
                 [&](auto tag) { set_range<decltype(tag)>(feature, any ? e.low : 0.0, any ? e.high : 0.0); });
    }
  }
}

template <class U>
void normalise(const FeatureColumn& feature, const std::byte* values, std::size_t rows, U* out,
               std::size_t feature_stride, std::size_t row_stride) {
  visit_type(feature.type, [&](auto tag) {
    using T = decltype(tag);
    using W = Working<T>;
    for (std::size_t k = 0; k < feature.width; ++k) {
      const W low = static_cast<W>(feature.minimum[k]);
      const W range = static_cast<W>(feature.range[k]);
      const std::byte* from = values + k * sizeof(T);
      U* to = out + k * feature_stride;
      for (std::size_t r = 0; r < rows; ++r) {
        const W x = to_working(load<T>(from + r * feature.width * sizeof(T)));
        const bool usable = range != W{0} && std::isfinite(x);
        to[r * row_stride] = usable ? static_cast<U>((x - low) / range) : U{0};
      }
    }
  });
}

template <class U>
void unnormalise(const FeatureColumn& feature, const U* y, std::size_t rows, std::size_t feature_stride,
                 std::byte* values) {
  visit_type(feature.type, [&](auto tag) {
    using T = decltype(tag);
    using W = std::common_type_t<Working<T>, U>;
    for (std::size_t k = 0; k < feature.width; ++k) {
      const W low = static_cast<W>(feature.minimum[k]);
      const W range = static_cast<W>(feature.range[k]);
      for (std::size_t r = 0; r < rows; ++r) {
        double x = static_cast<W>(y[k * feature_stride + r]) * range + low;
        if (range == W{0} || std::isnan(x)) x = low;
        if (feature.whole) x = std::nearbyint(x);
        const T value = nearest<T>(x);
        std::memcpy(values + (r * feature.width + k) * sizeof(T), &value, sizeof(T));
      }
    }
  });
}

template void normalise(const FeatureColumn&, const std::byte*, std::size_t, float*, std::size_t, std::size_t);
template void normalise(const FeatureColumn&, const std::byte*, std::size_t, double*, std::size_t, std::size_t);
template void unnormalise(const FeatureColumn&, const float*, std::size_t, std::size_t, std::byte*);
template void unnormalise(const FeatureColumn&, const double*, std::size_t, std::size_t, std::byte*);

std::uint64_t reading_rows(const Schema& schema) {
  const std::uint64_t bytes = schema.raw_bytes() / std::max<std::uint64_t>(schema.rows(), 1) + 1;
  return std::max<std::uint64_t>(reading_bytes / bytes, 1);
}

}  // namespace haywatt::baler
