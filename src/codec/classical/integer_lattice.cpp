#include <algorithm>
#include <limits>

#include "codec/classical/lattice.hpp"

namespace haywatt {
namespace {

bool is_signed(const DType& type) { return type.kind == ScalarKind::Int; }

std::uint64_t sign_extend(std::uint64_t word, unsigned size) {
  const unsigned shift = 64 - 8 * size;
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(word << shift) >> shift);
}

/// Order of the type's values as an order of unsigned words.
std::uint64_t order_key(const DType& type, std::uint64_t word) {
  return is_signed(type) ? word ^ (std::uint64_t{1} << 63) : word;
}

std::uint64_t largest(const DType& type) {
  const unsigned bits = 8U * type.size - (is_signed(type) ? 1 : 0);
  return bits == 64 ? std::numeric_limits<std::uint64_t>::max() : (std::uint64_t{1} << bits) - 1;
}

std::uint64_t step_for(double epsilon) {
  // Beyond 2^62 one step spans more than half of any 64-bit type; a larger one gains nothing.
  return epsilon < 0x1p62 ? 2 * static_cast<std::uint64_t>(epsilon) + 1 : (std::uint64_t{1} << 63) + 1;
}

}  // namespace

Words quantise_integers(const DType& type, ByteSpan values, double epsilon, IntegerLattice& lattice) {
  Words words = load_words(values, type.size);
  if (is_signed(type) && type.size < 8)
    for (std::uint64_t& w : words) w = sign_extend(w, type.size);
  lattice = {};
  if (words.empty()) return words;
  lattice.minimum = *std::min_element(words.begin(), words.end(), [&](std::uint64_t a, std::uint64_t b) {
    return order_key(type, a) < order_key(type, b);
  });
  for (std::uint64_t& w : words) w -= lattice.minimum;
  lattice.step = step_for(epsilon);
  if (lattice.step > 1)
    for (std::uint64_t& w : words) w = w / lattice.step + (w % lattice.step > lattice.step / 2 ? 1 : 0);
  return words;
}

ByteVector reconstruct_integers(const DType& type, const IntegerLattice& lattice,
                                std::span<const std::uint64_t> words) {
  const std::uint64_t room = largest(type) - lattice.minimum;  // modulo 2^64, so right for signed types too
  Words v(words.begin(), words.end());
  for (std::uint64_t& w : v) {
    std::uint64_t offset = 0;
    if (__builtin_mul_overflow(w, lattice.step, &offset) || offset > room) offset = room;
    w = lattice.minimum + offset;
  }
  return store_words(v, type.size);
}

}  // namespace haywatt
