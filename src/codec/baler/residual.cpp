#include "codec/baler/residual.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "codec/baler/packing.hpp"
#include "codec/baler/scalars.hpp"
#include "haywatt/base/operator.hpp"

namespace haywatt::baler {
namespace {

enum class Form : std::uint8_t { Values = 0, Corrections = 1 };

constexpr double exact_limit = 0x1p52;  // whole doubles up to here can be added and scaled without loss

std::uint64_t zigzag(std::int64_t v) {
  return (static_cast<std::uint64_t>(v) << 1) ^ static_cast<std::uint64_t>(v >> 63);
}
std::int64_t unzigzag(std::uint64_t v) { return static_cast<std::int64_t>(v >> 1) ^ -static_cast<std::int64_t>(v & 1); }

template <class T>
double to_double(T value) {
  return static_cast<double>(to_working(value));
}

// x rounded to nearest, ties to even, at its bit `drop`. Zero, denormal and special values stay as they are, and so
// does what would round to infinity, cut short.
template <class T>
T round_bits(T x, int drop) {
  if constexpr (std::is_integral_v<T>) {
    return x;
  } else {
    using Bits = BitsOf<T>;
    if (drop == 0) return x;
    const auto bits = std::bit_cast<Bits>(x);
    const int mantissa = mantissa_bits(sizeof(T));
    const Bits exponents = static_cast<Bits>((static_cast<Bits>(~Bits{0}) >> 1) & ~((Bits{1} << mantissa) - 1));
    const Bits exponent = bits & exponents;
    if (exponent == 0 || exponent == exponents) return x;
    const Bits mask = static_cast<Bits>((Bits{1} << drop) - 1);
    const Bits up = static_cast<Bits>((mask >> 1) + ((bits >> drop) & 1U));
    const Bits rounded = static_cast<Bits>(static_cast<Bits>(bits + up) & static_cast<Bits>(~mask));
    const bool overflow = (rounded & exponents) == exponents;
    return std::bit_cast<T>(overflow ? static_cast<Bits>(bits & static_cast<Bits>(~mask)) : rounded);
  }
}

template <class T>
std::int64_t correction(const Coding& coding, T x, T p) {
  if (coding.kind == CodingKind::Lattice) {
    const double q = std::nearbyint((to_double(x) - to_double(p)) / coding.step);
    return std::fabs(q) < exact_limit ? static_cast<std::int64_t>(q) : 0;
  }
  const auto a = static_cast<std::uint64_t>(to_ordered(round_bits(x, coding.drop)) >> coding.drop);
  const auto b = static_cast<std::uint64_t>(to_ordered(p) >> coding.drop);
  return static_cast<std::int64_t>(a - b);
}

template <class T>
T corrected(const Coding& coding, std::int64_t q, T p) {
  if (coding.kind == CodingKind::Lattice) return nearest<T>(to_double(p) + static_cast<double>(q) * coding.step);
  const std::uint64_t sum = static_cast<std::uint64_t>(to_ordered(p) >> coding.drop) + static_cast<std::uint64_t>(q);
  if (static_cast<std::int64_t>(sum) < 0) return from_ordered<T>(static_cast<std::int64_t>(~(~sum << coding.drop)));
  return from_ordered<T>(static_cast<std::int64_t>(sum << coding.drop));
}

// u8 number of byte planes, then the planes.
ByteVector correction_planes(const Coding& coding, const DType& type, ByteSpan values, ByteSpan predicted) {
  const ScopedOperator op({"corrections", "", ""}, moved_bytes(values.size() + predicted.size(), -1.0));
  const std::size_t count = values.size() / type.size;
  std::vector<std::uint64_t> folded(count);
  std::uint64_t all = 0;
  visit_type(type, [&](auto tag) {
    using T = decltype(tag);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t at = i * sizeof(T);
      folded[i] = zigzag(correction(coding, load<T>(values.data() + at), load<T>(predicted.data() + at)));
      all |= folded[i];
    }
  });
  const std::size_t planes = (static_cast<std::size_t>(std::bit_width(all)) + 7) / 8;
  ByteVector out(planes * count);
  for (std::size_t k = 0; k < planes; ++k)
    for (std::size_t i = 0; i < count; ++i) out[k * count + i] = static_cast<std::byte>(folded[i] >> (8 * k));
  return out;
}

ByteVector rounded_values(const Coding& coding, const DType& type, ByteSpan values) {
  ByteVector out(values.begin(), values.end());
  if (coding.kind != CodingKind::Ordered || coding.drop == 0) return out;
  visit_type(type, [&](auto tag) {
    using T = decltype(tag);
    for (std::size_t at = 0; at < out.size(); at += sizeof(T)) {
      const T value = round_bits(load<T>(out.data() + at), coding.drop);
      std::memcpy(out.data() + at, &value, sizeof(T));
    }
  });
  return out;
}

bool exact_in_double(const ColumnStatistics& s) {
  return std::fabs(s.minimum) < exact_limit && std::fabs(s.maximum) < exact_limit;
}

Coding ordered(int drop) { return {CodingKind::Ordered, static_cast<std::uint8_t>(drop), 0.0}; }

Coding absolute(const DType& type, double epsilon, const ColumnStatistics& s) {
  if (s.whole_numbers && exact_in_double(s)) {
    const double reach = std::min(std::floor(epsilon * encoder_margin), 0x1p50);
    if (reach == 0.0 && !type.is_float()) return ordered(0);
    return {CodingKind::Lattice, 0, 2.0 * reach + 1.0};
  }
  if (!type.is_float()) return ordered(0);
  // A decoded value is rounded to the type, in float64 also the steps on the way: these errors come out of epsilon.
  const double largest = std::max(std::fabs(s.minimum), std::fabs(s.maximum));
  const int roundings = type.size == 8 ? 4 : 1;
  const double rounding = roundings * std::ldexp(largest, -mantissa_bits(type.size) - 1);
  const double step = 2.0 * (epsilon * encoder_margin - rounding);
  if (rounding > epsilon / 4 || !std::isnormal(step)) return ordered(0);
  return {CodingKind::Lattice, 0, step};
}

}  // namespace

Coding choose_coding(const DType& type, const ResolvedBound& bound, const ColumnStatistics& statistics) {
  const int mantissa = mantissa_bits(type.size);
  switch (bound.kind) {
    case BoundKind::None:
      return {};
    case BoundKind::Abs:
      return absolute(type, bound.epsilon, statistics);
    case BoundKind::Rel: {
      if (!type.is_float() || !(bound.epsilon > 0.0)) return ordered(0);
      // With k mantissa bits the relative error is at most 2^-(k+1) / (1 + 2^-(k+1)).
      const double keep = std::clamp(std::ceil(-std::log2(bound.epsilon)) - 1.0, 0.0, static_cast<double>(mantissa));
      return ordered(mantissa - static_cast<int>(keep));
    }
    case BoundKind::Bits:
      return ordered(type.is_float() ? mantissa - std::clamp(bound.mantissa_bits, 0, mantissa) : 0);
    case BoundKind::Lossless:
    case BoundKind::Range:
      break;
  }
  const bool whole_floats = type.is_float() && statistics.whole_numbers && exact_in_double(statistics);
  return whole_floats ? Coding{CodingKind::Lattice, 0, 1.0} : ordered(0);
}

void check_coding(const Coding& coding, const DType& type) {
  bool sound = coding.kind == CodingKind::None;
  if (coding.kind == CodingKind::Ordered) sound = coding.drop <= (type.is_float() ? mantissa_bits(type.size) : 0);
  if (coding.kind == CodingKind::Lattice) sound = std::isfinite(coding.step) && coding.step > 0.0;
  if (!sound) fail_input("baler model is damaged: an impossible coding of a column");
}

ByteVector encode_residual(const Coding& coding, const DType& type, ByteSpan values, ByteSpan predicted, int level) {
  if (coding.kind == CodingKind::None) return {};
  const ByteVector planes = correction_planes(coding, type, values, predicted);
  const ByteVector plain = shuffle(rounded_values(coding, type, values), type.size);
  ByteVector packed = zstd_pack(planes, trial_level);
  ByteVector other = zstd_pack(plain, trial_level);
  const bool corrections = packed.size() <= other.size();
  if (level != trial_level)
    packed = zstd_pack(corrections ? planes : plain, level);
  else if (!corrections)
    packed.swap(other);
  const std::size_t count = values.size() / type.size;
  ByteWriter out;
  out.put(static_cast<std::uint8_t>(corrections ? Form::Corrections : Form::Values));
  if (corrections) out.put(static_cast<std::uint8_t>(count == 0 ? 0 : planes.size() / count));
  out.put_bytes(packed);
  return out.take();
}

void decode_residual(const Coding& coding, const DType& type, ByteSpan stream, ByteVector& values) {
  if (coding.kind == CodingKind::None) {
    if (!stream.empty()) fail_input("baler stream is damaged: corrections for a column that has none");
    return;
  }
  ByteReader in(stream, "baler stream");
  const auto form = in.get<std::uint8_t>();
  if (form == static_cast<std::uint8_t>(Form::Values)) {
    values = unshuffle(zstd_unpack(in.get_bytes(in.remaining()), values.size()), type.size);
    return;
  }
  const auto planes = in.get<std::uint8_t>();
  if (form != static_cast<std::uint8_t>(Form::Corrections) || planes > 8)
    fail_input("baler stream is damaged: an unknown form of column");
  const ScopedOperator op({"apply corrections", "", ""},
                          moved_bytes(stream.size() + values.size(), static_cast<double>(values.size())));
  const std::size_t count = values.size() / type.size;
  const ByteVector raw = zstd_unpack(in.get_bytes(in.remaining()), std::uint64_t{planes} * count);
  visit_type(type, [&](auto tag) {
    using T = decltype(tag);
    for (std::size_t i = 0; i < count; ++i) {
      std::uint64_t folded = 0;
      for (std::size_t k = 0; k < planes; ++k) folded |= static_cast<std::uint64_t>(raw[k * count + i]) << (8 * k);
      const T value = corrected(coding, unzigzag(folded), load<T>(values.data() + i * sizeof(T)));
      std::memcpy(values.data() + i * sizeof(T), &value, sizeof(T));
    }
  });
}

}  // namespace haywatt::baler
