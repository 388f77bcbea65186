/// Finds what must be corrected in decoded values, as Baler does and so that a bound holds.
#pragma once
#include <vector>

#include "codec/baler/project/corrections.hpp"
#include "codec/baler/project/row_scaling.hpp"

namespace haywatt::baler {

/// Corrections of a run of rows.
struct FoundCorrections {
  Corrections halves;
  std::vector<std::uint64_t> exact_positions;
  std::vector<double> exact_values;
  double worst_relative = 0.0;  ///< |x' - x| / |x| after correction, over finite x != 0
};

/// Baler's rule: where |100 (d - x) / x| of normalised values exceeds the percentage, half(half(d) - half(x)). Values
/// with x = 0 are never corrected. `first_position` is that of the first value.
template <class T>
void find_as_baler(const T* d, const T* x, std::size_t count, double percent, std::uint64_t first_position,
                   Corrections& out);

/// Keeps |x' - x| <= percent/100 * |x| for the values themselves. Immutable, thread-safe.
class BoundKeeper {
 public:
  BoundKeeper(const ProjectModel& model, double percent);
  /// `d`: the decoder's output for rows of `original` values of `type`. A value that is not finite is stored as it is.
  /// Error(BadInput) where the output's own type cannot hold the bound.
  template <class T>
  void find(const DType& type, ByteSpan original, const T* d, std::uint64_t first_position,
            FoundCorrections& out) const;

 private:
  [[nodiscard]] bool holds(double x, double decoded) const;
  OutputScaler output_;
  double share_;
  std::vector<double> low_, range_;  ///< empty if values are not normalised
  std::size_t features_;
};

/// d - half as the decompressor computes it.
template <class T>
[[nodiscard]] T corrected(T d, Half half) {
  return d - static_cast<T>(half_to_float(half));
}

}  // namespace haywatt::baler
