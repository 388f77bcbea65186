// bfloat16 and int8 units for instruction sets without instructions for them. Included like kernel.inl, before it.

template <class T, std::size_t Bytes>
struct VectorOfBytes {
  typedef T type __attribute__((vector_size(Bytes)));
};

// The float that a bfloat16 is the upper half of.
template <class Units>
[[gnu::always_inline]] inline auto upper_half(Units bits) {
  using Floats = typename VectorOfBytes<float, sizeof(Units)>::type;
  return reinterpret_cast<Floats>(bits & 0xffff0000U);
}

template <class Units, class Floats>
[[gnu::always_inline]] inline Floats bfloat16_dot(const Units& x, std::uint32_t w, const Floats& sum) {
  const Floats low = multiply_add(upper_half(x << 16), std::bit_cast<float>(w << 16), sum);
  return multiply_add(upper_half(x), std::bit_cast<float>(w & 0xffff0000U), low);
}

// Rounded to nearest, ties to even; every NaN becomes the same one.
template <class Floats>
[[gnu::always_inline]] inline auto bfloat16_pair(const Floats& low, const Floats& high) {
  using Units = typename VectorOfBytes<std::uint32_t, sizeof(Floats)>::type;
  const Units nan = Units{} + 0x7fc00000U;
  const Units low_bits = reinterpret_cast<Units>(low), high_bits = reinterpret_cast<Units>(high);
  const Units even = low == low ? low_bits + 0x7fffU + ((low_bits >> 16) & 1U) : nan;
  const Units odd = high == high ? high_bits + 0x7fffU + ((high_bits >> 16) & 1U) : nan;
  return (even >> 16) | (odd & 0xffff0000U);
}
