/// Columns of every type and shape for codec tests, and the round trip of one through a method.
#pragma once
#include <random>
#include <string>
#include <vector>

#include "haywatt/codec/column_codec.hpp"

namespace haywatt::samples {

struct Sample {
  std::string name;
  ColumnInfo info;
  ColumnData data;
};

[[nodiscard]] std::vector<DType> all_types();
/// Columns of `type` with `rows` values: noise, smooth, constant, whole numbers, random bits, sprinkled specials.
[[nodiscard]] std::vector<Sample> flat_columns(const DType& type, std::uint64_t rows, std::mt19937_64& random);
/// rows x inner_shape, smooth with noise.
[[nodiscard]] Sample field(const DType& type, std::uint64_t rows, std::vector<std::uint64_t> inner_shape,
                           std::mt19937_64& random);
/// Lists of 0 to 5 values.
[[nodiscard]] Sample jagged(const DType& type, std::uint64_t rows, std::mt19937_64& random);
/// lossless, and absolute, relative and mantissa bounds that suit the column.
[[nodiscard]] std::vector<ResolvedBound> bounds_for(const Sample& sample);
[[nodiscard]] ResolvedBound abs_bound(double epsilon);
[[nodiscard]] ResolvedBound rel_bound(double epsilon);
[[nodiscard]] ResolvedBound bits_bound(int bits);

/// The column's stream as `method` ("zstd:level=3") writes it.
[[nodiscard]] ByteVector encode(const std::string& method, const Sample& sample, const ResolvedBound& bound);
/// Its inverse, which knows the shape of `sample` but not its values.
[[nodiscard]] ColumnData decode(const std::string& method, const Sample& sample, const ResolvedBound& bound,
                                ByteSpan stream);

/// How many violations of `bound` in `decoded` are neither special originals nor values of a magnitude where the
/// bound is below twice the spacing of the type: what a codec has no excuse for.
[[nodiscard]] std::uint64_t inexcusable_violations(const Sample& sample, const ColumnData& decoded,
                                                   const ResolvedBound& bound);

}  // namespace haywatt::samples
