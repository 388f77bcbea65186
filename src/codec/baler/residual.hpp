/// Corrections that bring a predicted column within its bound.
#pragma once
#include <cstdint>

#include "haywatt/base/bytes.hpp"
#include "haywatt/data/bound.hpp"
#include "haywatt/data/column.hpp"
#include "haywatt/data/statistics.hpp"

namespace haywatt::baler {

/// How a column's values follow from predictions p and whole numbers q.
enum class CodingKind : std::uint8_t {
  None = 0,     ///< x' = p; nothing is stored
  Ordered = 1,  ///< the ordered bits of x (scalars.hpp), without the lowest `drop`, are those of p plus q
  Lattice = 2,  ///< x' = p + q * step, in double, as the nearest value of the type
};

struct Coding {
  CodingKind kind = CodingKind::None;
  std::uint8_t drop = 0;  ///< Ordered: low bits rounded away
  double step = 0.0;      ///< Lattice
  friend bool operator==(const Coding&, const Coding&) = default;
};

/// The coding that keeps `bound`. Values it cannot keep (specials, extremes) are the pipeline's to correct.
[[nodiscard]] Coding choose_coding(const DType& type, const ResolvedBound& bound, const ColumnStatistics& statistics);

/// Error(BadInput) if a coding read from a file makes no sense for the type.
void check_coding(const Coding& coding, const DType& type);

/// The stream of a column: u8 form, then q (zigzag, byte planes) or, where that is smaller, the values themselves.
/// `level` is the zstd level. Empty for CodingKind::None.
[[nodiscard]] ByteVector encode_residual(const Coding& coding, const DType& type, ByteSpan values, ByteSpan predicted,
                                         int level);

/// Turns the predictions in `values` into the decoded values. Error(BadInput) on damage.
void decode_residual(const Coding& coding, const DType& type, ByteSpan stream, ByteVector& values);

}  // namespace haywatt::baler
