/// From a table's columns to the network's features and back: which columns it sees, and Baler's min-max normalisation.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "haywatt/codec/method.hpp"

namespace haywatt::baler {

/// A column as the network sees it: one feature a value of a row (one for a flat column, height*width for a field).
/// minimum and range are exact in the column's working type (float for f2 and f4, else double), as numpy computes them.
struct FeatureColumn {
  std::uint32_t column = 0;  ///< index into Schema::columns
  DType type;
  std::uint64_t width = 1;             ///< features
  bool whole = false;                  ///< all values are whole numbers: predictions are rounded
  std::vector<double> minimum, range;  ///< `width` each; range 0 (constant, or beyond the type) normalises to 0
};

/// The columns that the network codes: all flat columns of the most common length if there are at least two, else the
/// only field of images. Empty, with the reason in `why`, if there is nothing for it. Ranges are not filled in.
[[nodiscard]] std::vector<FeatureColumn> find_features(const Schema& schema, std::string& why);
[[nodiscard]] std::uint64_t feature_count(const std::vector<FeatureColumn>& features);

/// Fills minimum and range, from the statistics (flat) or by reading the table (fields).
void measure_ranges(std::vector<FeatureColumn>& features, const TableReader& reader,
                    const std::vector<ColumnStatistics>& statistics);

/// Normalises `rows` rows of a column: (x - min) / range in the working type, then as U. Feature k of row r goes to
/// out[k * feature_stride + r * row_stride]. NaN and infinities count as the minimum.
template <class U>
void normalise(const FeatureColumn& feature, const std::byte* values, std::size_t rows, U* out,
               std::size_t feature_stride, std::size_t row_stride);

/// The inverse: y * range + min (in float if both are), rounded if whole, as the nearest value of the column's type.
/// Feature k of row r is y[k * feature_stride + r].
template <class U>
void unnormalise(const FeatureColumn& feature, const U* y, std::size_t rows, std::size_t feature_stride,
                 std::byte* values);

extern template void normalise(const FeatureColumn&, const std::byte*, std::size_t, float*, std::size_t, std::size_t);
extern template void normalise(const FeatureColumn&, const std::byte*, std::size_t, double*, std::size_t, std::size_t);
extern template void unnormalise(const FeatureColumn&, const float*, std::size_t, std::size_t, std::byte*);
extern template void unnormalise(const FeatureColumn&, const double*, std::size_t, std::size_t, std::byte*);

/// Rows to read at once so that a chunk stays near 8 MB.
[[nodiscard]] std::uint64_t reading_rows(const Schema& schema);

}  // namespace haywatt::baler
