/// Shapes and values as array compressors (zfp, SZ3, SPERR) want them.
#pragma once
#include <cstdint>
#include <vector>

#include "haywatt/codec/column_codec.hpp"

namespace haywatt {

/// Extents of the task's array, slowest first: rows and inner shape without extents of 1, the slowest ones merged until
/// at most `most` remain. At least one extent; their product is task.values.
[[nodiscard]] std::vector<std::uint64_t> array_extents(const ColumnTask& task, std::size_t most);

/// A copy of f4 or f8 `values` in which NaN and infinities repeat the finite value before (0 at the begin): array
/// compressors give no promise for them.
[[nodiscard]] ByteVector finite_copy(const DType& type, ByteSpan values);

/// The largest magnitude of f4 or f8 values, all finite.
[[nodiscard]] double largest_magnitude(const DType& type, ByteSpan values);

/// Whether `epsilon` is large enough against the spacing of floats of that magnitude for a compressor that works in
/// the type's own precision to keep it, and the values so far from the type's largest that its sums do not overflow.
[[nodiscard]] bool worth_a_tolerance(const DType& type, ByteSpan values, double epsilon);

}  // namespace haywatt
