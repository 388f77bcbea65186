/// Error bounds: what a decoded value may differ by, and the one judge of it.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "haywatt/data/schema.hpp"
#include "haywatt/data/statistics.hpp"

namespace haywatt {

/// Lossless: bit for bit. Abs: |x-x'| <= value. Range: of the column's max-min over finite values. Rel: |x-x'| <=
/// value*|x|. Bits: half a unit of the N-th explicit mantissa bit of x. None: no guarantee (baler only).
enum class BoundKind : std::uint8_t { Lossless, Abs, Range, Rel, Bits, None };

struct Bound {
  BoundKind kind = BoundKind::Lossless;
  double value = 0.0;  ///< E of abs/range/rel, N of bits
  std::string text;    ///< as the user wrote it, "range:1e-3"
};

/// "lossless", "abs:E", "range:E", "rel:E", "bits:N", "none"; E decimal or 2^-N. Error(Usage) otherwise.
[[nodiscard]] Bound parse_bound(std::string_view text);

/// A bound for the columns whose name matches `glob`. Of several matching rules the last one counts.
struct BoundRule {
  std::string glob = "*";
  Bound bound;
};
/// "GLOB=KIND:VALUE" or "KIND:VALUE" (glob "*").
[[nodiscard]] BoundRule parse_bound_rule(std::string_view text);

/// What one column is held to, after its statistics are known. `kind` is Lossless, Abs, Rel, Bits or None: Range has
/// become Abs with `epsilon` = E*(max-min) (or Lossless), and whole-number columns under a wildcard have become
/// Lossless.
struct ResolvedBound {
  BoundKind kind = BoundKind::Lossless;
  double epsilon = 0.0;   ///< Abs, Rel
  int mantissa_bits = 0;  ///< Bits
  std::string requested;  ///< the user's text, for reports
};

[[nodiscard]] std::vector<ResolvedBound> resolve_bounds(const std::vector<BoundRule>& rules, const Schema& schema,
                                                        const std::vector<ColumnStatistics>& statistics);

/// Encoders aim for this share of epsilon, so that a checker that rounds max-min or the difference to float32 still
/// agrees.
inline constexpr double encoder_margin = 1.0 - 0x1p-20;

/// Judges decoded against original values of `type`. A violation is a value outside its bound, or a special value (NaN,
/// ±Inf, -0, denormal) that is not bit-identical. Differences are compared exactly (two-sum for float64, 128-bit for
/// integers). `margin` scales epsilon (encoders pass encoder_margin, verifiers 1). Sizes must agree. Returns the
/// violations' value indices.
[[nodiscard]] std::vector<std::uint64_t> find_violations(const DType& type, ByteSpan original, ByteSpan decoded,
                                                         const ResolvedBound& bound, double margin);

}  // namespace haywatt
