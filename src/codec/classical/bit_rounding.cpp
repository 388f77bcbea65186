#include "codec/classical/bit_rounding.hpp"

#include <cmath>

namespace haywatt {
namespace {

template <class Word>
void round_words(std::span<std::byte> values, int mantissa_size, int mantissa_bits) {
  if (mantissa_bits >= mantissa_size) return;
  const int drop = mantissa_size - mantissa_bits;
  const auto low = static_cast<Word>((Word{1} << drop) - 1);
  const auto almost_half = static_cast<Word>(low >> 1);
  const auto sign = static_cast<Word>(Word{1} << (8 * sizeof(Word) - 1));
  const auto exponents = static_cast<Word>(~sign & ~((Word{1} << mantissa_size) - 1));
  for (std::size_t i = 0; i + sizeof(Word) <= values.size(); i += sizeof(Word)) {
    Word w;
    std::memcpy(&w, values.data() + i, sizeof(Word));
    const auto exponent = static_cast<Word>(w & exponents);
    if (exponent == 0 || exponent == exponents) continue;
    const auto odd = static_cast<Word>((w >> drop) & 1);
    const auto rounded = static_cast<Word>(static_cast<Word>(w + almost_half + odd) & static_cast<Word>(~low));
    if ((rounded & exponents) == exponents) continue;
    std::memcpy(values.data() + i, &rounded, sizeof(Word));
  }
}

}  // namespace

int mantissa_bits_for_relative(double epsilon) {
  for (int n = 0; n < 52; ++n) {
    const double u = std::ldexp(1.0, -(n + 1));
    if (u <= epsilon * encoder_margin * (1.0 + u)) return n;
  }
  return 52;
}

void round_mantissas(const DType& type, std::span<std::byte> values, int mantissa_bits) {
  switch (type.size) {
    case 2:
      return round_words<std::uint16_t>(values, 10, mantissa_bits);
    case 4:
      return round_words<std::uint32_t>(values, 23, mantissa_bits);
    default:
      return round_words<std::uint64_t>(values, 52, mantissa_bits);
  }
}

void round_for_bound(const DType& type, std::span<std::byte> values, const ResolvedBound& bound) {
  if (!type.is_float()) return;
  if (bound.kind == BoundKind::Rel) round_mantissas(type, values, mantissa_bits_for_relative(bound.epsilon));
  if (bound.kind == BoundKind::Bits) round_mantissas(type, values, bound.mantissa_bits);
}

}  // namespace haywatt
