/// Uniform lattices: the lossy step of the bound abs:E (and range:E). A lattice of step 2E has a point within E of
/// every value. All reconstruction is one multiplication and one addition in double, never fused, so every machine
/// decodes the same bits.
#pragma once
#include <optional>

#include "codec/classical/shuffle.hpp"
#include "haywatt/data/bound.hpp"

namespace haywatt {

/// Point k is base + double(first + k) * step, rounded to the column's type.
struct FloatLattice {
  double base = 0.0;
  double step = 1.0;
  std::int64_t first = 0;
};

/// Indices of the points nearest to values, counted from `lattice.first`.
struct FloatIndices {
  FloatLattice lattice;
  Words words;
  std::uint64_t misses = 0;  ///< special values, and values whose point rounds to outside the bound
};

/// Values of f2, f4 or f8 to indices, aiming at epsilon * encoder_margin. Base 0 wherever possible, so that zeros stay
/// zeros. Where the type's own spacing is not small against epsilon the step is the largest power of two that fits:
/// its points are then exact in the type. Nothing if more than 2^51 points would be needed.
[[nodiscard]] std::optional<FloatIndices> quantise_floats(const DType& type, ByteSpan values, double epsilon);

/// Whole numbers as indices of the lattice of step 1, if every value is reproduced bit for bit.
[[nodiscard]] std::optional<FloatIndices> quantise_whole_floats(const DType& type, ByteSpan values);

[[nodiscard]] ByteVector reconstruct_floats(const DType& type, const FloatLattice& lattice,
                                            std::span<const std::uint64_t> words);

/// Point k is minimum + k * step in the type's own integers, held at the type's largest value.
struct IntegerLattice {
  std::uint64_t minimum = 0;  ///< sign-extended, modulo 2^64
  std::uint64_t step = 1;
};

/// Integers (or bool) of any width to indices of the lattice of step 2*floor(epsilon)+1 from their minimum: exact for
/// epsilon < 1. All arithmetic is on integers; the full range of i8 and u8 is covered.
[[nodiscard]] Words quantise_integers(const DType& type, ByteSpan values, double epsilon, IntegerLattice& lattice);
[[nodiscard]] ByteVector reconstruct_integers(const DType& type, const IntegerLattice& lattice,
                                              std::span<const std::uint64_t> words);

}  // namespace haywatt
