/// Baler's min-max normalisation and its inverse on tensors, as Python does them and better.
#pragma once
#include <ATen/ATen.h>

namespace haywatt::torch_plugin {

/// Row 0: minima of the columns, row 1: max - min, in the type of `table`. With `by_rows` as numpy.apply_along_axis
/// over list(data): a tensor object for each row, stacked again, then column by column. Else one reduction.
at::Tensor find_ranges(const at::Tensor& table, bool by_rows);

/// (x - min) / range in the table's type; a range of 0 counts as 1. With `by_values` as a list comprehension a column:
/// an object on the heap for each value and each result. Else one vectorised pass.
at::Tensor normalise(const at::Tensor& table, const at::Tensor& ranges, bool by_values);

/// y * range + min. With `by_columns` as Baler: transposed, column by column, and three copies of the whole. Else one
/// pass in place.
at::Tensor renormalise(const at::Tensor& y, const at::Tensor& ranges, bool by_columns);

}  // namespace haywatt::torch_plugin
